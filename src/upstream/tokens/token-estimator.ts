import { createRandom, type SampledTotal, type Stratum, totalOf } from './sample.ts';
import type { TokenCounter } from './token-counter.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Estimates the tokens of the texts of a file, which are added in their order. */
export interface TokenEstimator {
  /** Adds a text. Counts it in another thread, entirely or as a part of the sample. */
  addText(text: string): void;
  /** Resolves when the texts that wait to be counted take little memory. Await it between batches of texts. */
  ready(): Promise<void>;
  /** Ends the file. Rejects when the tokens could not be counted. */
  total(): Promise<SampledTotal & { readonly isSampled: boolean }>;
}

/** Bytes at the beginning of a file that are counted entirely. */
export const EXACT_BYTES = 1024 * 1024;
/** UTF-16 units of a window: at its two ends, words are cut. */
const WINDOW_LENGTH = 1024;
/** UTF-16 units of a batch for the thread. */
const BATCH_LENGTH = 64 * 1024;
const MAX_WAITING_LENGTH = 1024 * 1024;

interface Window {
  readonly stratum: Stratum;
  readonly isSampled: boolean;
  readonly texts: string[];
  length: number;
  bytes: number;
}

/** Texts that are counted together, and what becomes of their tokens. */
interface Group {
  readonly texts: readonly string[];
  readonly add: (tokens: number) => void;
}

export function createTokenEstimator(counter: TokenCounter, tokenizer: Tokenizer): TokenEstimator {
  const random = createRandom();
  const counted = { bytes: 0, tokens: 0 };
  const strata: Stratum[] = [];
  const waiting: Promise<void>[] = [];
  let batch: Group[] = [];
  let batchLength = 0;
  let waitingLength = 0;
  let position = 0; // Bytes of all texts before the current window.
  let window: Window | null = null;
  let failure: { readonly reason: unknown } | null = null;
  let chosen = 0; // The index of the sampled window in the current block of a stratum.

  function addGroup(group: Group, length: number) {
    batch.push(group);
    batchLength += length;
    if (batchLength >= BATCH_LENGTH) send();
  }

  function send() {
    const [groups, length] = [batch, batchLength];
    if (groups.length === 0) return;
    [batch, batchLength] = [[], 0];
    waitingLength += length;
    const counting = counter.count(
      tokenizer,
      groups.map(({ texts }) => texts),
    );
    const added = counting.then(
      (counts) => {
        for (const [index, { add }] of groups.entries()) add(counts[index] ?? 0);
      },
      (reason) => {
        failure ??= { reason };
      },
    );
    waiting.push(
      added.then(() => {
        waitingLength -= length;
      }),
    );
  }

  function openWindow(): Window {
    const number = Math.max(1, Math.floor(Math.log2(position / EXACT_BYTES)) + 1);
    while (strata.length < number) strata.push({ bytes: 0, windows: 0, sample: [] });
    const stratum = strata[number - 1] as Stratum; // The loop has added it.
    const index = stratum.windows % 2 ** number;
    if (index === 0) chosen = Math.floor(random() * 2 ** number);
    return { stratum, isSampled: index === chosen, texts: [], length: 0, bytes: 0 };
  }

  function closeWindow({ stratum, isSampled, texts, length, bytes }: Window) {
    window = null;
    position += bytes;
    stratum.bytes += bytes;
    stratum.windows++;
    if (isSampled) addGroup({ texts, add: (tokens) => stratum.sample.push({ bytes, tokens }) }, length);
  }

  function addToWindows(text: string) {
    for (let start = 0; start < text.length; ) {
      window ??= openWindow();
      const end = endOf(text, start + WINDOW_LENGTH - window.length);
      const piece = end - start === text.length ? text : text.slice(start, end);
      window.length += piece.length;
      window.bytes += Buffer.byteLength(piece);
      if (window.isSampled) window.texts.push(piece === text ? text : copyOf(piece));
      if (window.length >= WINDOW_LENGTH) closeWindow(window);
      start = end;
    }
  }

  return {
    addText(text) {
      const bytes = Buffer.byteLength(text);
      if (strata.length > 0 || position + bytes > EXACT_BYTES) return addToWindows(text);
      position += bytes;
      counted.bytes += bytes;
      addGroup({ texts: [text], add: (tokens) => (counted.tokens += tokens) }, text.length);
    },
    async ready() {
      while (waitingLength > MAX_WAITING_LENGTH) await waiting.shift();
    },
    async total() {
      if (window !== null) closeWindow(window);
      send();
      await Promise.all(waiting);
      if (failure !== null) throw failure.reason;
      return { ...totalOf(counted, strata), isSampled: strata.length > 0 };
    },
  };
}

/** The end of a piece of a text, which does not cut a surrogate pair. */
function endOf(text: string, end: number): number {
  const next = text.charCodeAt(end); // NaN behind the end.
  return Math.min(text.length, next >= 0xdc00 && next <= 0xdfff ? end + 1 : end);
}

/** A slice refers to the whole text, which can have megabytes. */
const copyOf = (slice: string) => Buffer.from(slice).toString();
