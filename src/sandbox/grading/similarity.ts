/** How alike two texts are, from 0 to 1. */
type Similarity = (text: string, reference: string) => number;

type Grams = ReadonlyMap<string, number>;

const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function gramsOf(words: readonly string[], size: number): Grams {
  const grams = new Map<string, number>();
  for (let at = 0; at + size <= words.length; at += 1) {
    const gram = words.slice(at, at + size).join(' ');
    grams.set(gram, (grams.get(gram) ?? 0) + 1);
  }
  return grams;
}

const countOf = (grams: Grams) => grams.values().reduce((sum, count) => sum + count, 0);
const shared = (one: Grams, other: Grams) =>
  one.entries().reduce((sum, [gram, count]) => sum + Math.min(count, other.get(gram) ?? 0), 0);
const part = (of: number, whole: number) => (whole === 0 ? 0 : of / whole);
const harmonic = (a: number, b: number) => part(2 * a * b, a + b);

/** Longest part that two lists have in common, gaps allowed. */
function commonLength<T>(one: readonly T[], other: readonly T[]): number {
  let row = new Array<number>(other.length + 1).fill(0);
  for (const item of one) {
    const next = [0];
    for (const [at, another] of other.entries())
      next.push(item === another ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0));
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Characters in common against characters in all: insertions and deletions are what makes texts differ. */
function fuzzy(text: string, reference: string): number {
  const [one, other] = [[...text], [...reference]];
  if (one.length + other.length === 0) return 1;
  return (2 * commonLength(one, other)) / (one.length + other.length);
}

/** Precision of one to four words in a row, and a penalty for brevity. */
function bleu(text: string, reference: string): number {
  const [words, expected] = [wordsOf(text), wordsOf(reference)];
  if (words.length === 0) return 0;
  const sizes = [1, 2, 3, 4].filter((size) => size <= Math.max(1, Math.min(words.length, expected.length)));
  const logs = sizes.map((size) => {
    const grams = gramsOf(words, size);
    return Math.log(part(shared(grams, gramsOf(expected, size)), countOf(grams)));
  });
  const brevity = Math.min(1, Math.exp(1 - expected.length / words.length));
  return brevity * Math.exp(logs.reduce((sum, log) => sum + log, 0) / sizes.length);
}

/** The smaller of precision and recall over all runs of one to four words. */
function gleu(text: string, reference: string): number {
  const [words, expected] = [wordsOf(text), wordsOf(reference)];
  let [common, ours, theirs] = [0, 0, 0];
  for (const size of [1, 2, 3, 4]) {
    const [one, other] = [gramsOf(words, size), gramsOf(expected, size)];
    common += shared(one, other);
    ours += countOf(one);
    theirs += countOf(other);
  }
  return part(common, Math.max(ours, theirs));
}

/** Words in common, recall first; without the stems and synonyms of the real one, or its penalty for order. */
function meteor(text: string, reference: string): number {
  const [one, other] = [gramsOf(wordsOf(text), 1), gramsOf(wordsOf(reference), 1)];
  const common = shared(one, other);
  const [precision, recall] = [part(common, countOf(one)), part(common, countOf(other))];
  return part(10 * precision * recall, recall + 9 * precision);
}

const rouge =
  (size: number): Similarity =>
  (text, reference) => {
    const [one, other] = [gramsOf(wordsOf(text), size), gramsOf(wordsOf(reference), size)];
    const common = shared(one, other);
    return harmonic(part(common, countOf(one)), part(common, countOf(other)));
  };

function rougeL(text: string, reference: string): number {
  const [words, expected] = [wordsOf(text), wordsOf(reference)];
  const common = commonLength(words, expected);
  return harmonic(part(common, words.length), part(common, expected.length));
}

/** Of the counts of words: the real one compares what a model makes of the texts. */
function cosine(text: string, reference: string): number {
  const [one, other] = [gramsOf(wordsOf(text), 1), gramsOf(wordsOf(reference), 1)];
  const dot = one.entries().reduce((sum, [word, count]) => sum + count * (other.get(word) ?? 0), 0);
  const length = (grams: Grams) => Math.hypot(...grams.values());
  return part(dot, length(one) * length(other));
}

const SIMILARITIES = {
  cosine,
  fuzzy_match: fuzzy,
  bleu,
  gleu,
  meteor,
  rouge_1: rouge(1),
  rouge_2: rouge(2),
  rouge_3: rouge(3),
  rouge_4: rouge(4),
  rouge_5: rouge(5),
  rouge_l: rougeL,
} satisfies Record<string, Similarity>;

// The keys of the table are what its type says.
export const METRICS = Object.keys(SIMILARITIES) as (keyof typeof SIMILARITIES)[];

/** Long texts are compared by their beginnings: the time grows with the square of the length. */
const COMPARED = 4000;

export function similarity(metric: keyof typeof SIMILARITIES, text: string, reference: string): number {
  return SIMILARITIES[metric](text.slice(0, COMPARED), reference.slice(0, COMPARED));
}
