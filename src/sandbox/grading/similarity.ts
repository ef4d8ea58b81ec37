/** Similarity of two texts, from 0 to 1. */
type Similarity = (text: string, reference: string) => number;

/** Counts by n-gram. */
type Ngrams = ReadonlyMap<string, number>;

const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function countNgrams(words: readonly string[], size: number): Ngrams {
  const ngrams = new Map<string, number>();
  for (let start = 0; start + size <= words.length; start += 1) {
    const ngram = words.slice(start, start + size).join(' ');
    ngrams.set(ngram, (ngrams.get(ngram) ?? 0) + 1);
  }
  return ngrams;
}

const total = (ngrams: Ngrams) => ngrams.values().reduce((sum, count) => sum + count, 0);
const overlap = (a: Ngrams, b: Ngrams) =>
  a.entries().reduce((sum, [ngram, count]) => sum + Math.min(count, b.get(ngram) ?? 0), 0);
const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
const harmonicMean = (a: number, b: number) => ratio(2 * a * b, a + b);

/** Length of the longest common subsequence. */
function lcsLength<T>(a: readonly T[], b: readonly T[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const itemOfA of a) {
    const next = [0];
    for (const [index, itemOfB] of b.entries())
      next.push(itemOfA === itemOfB ? (row[index] ?? 0) + 1 : Math.max(row[index + 1] ?? 0, next[index] ?? 0));
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Normalized indel similarity of characters. */
function fuzzyMatch(text: string, reference: string): number {
  const [a, b] = [[...text], [...reference]];
  if (a.length + b.length === 0) return 1;
  return (2 * lcsLength(a, b)) / (a.length + b.length);
}

/** Geometric mean of the precision of n-grams of 1 to 4 words, with brevity penalty. */
function bleu(text: string, reference: string): number {
  const [words, expected] = [wordsOf(text), wordsOf(reference)];
  if (words.length === 0) return 0;
  const sizes = [1, 2, 3, 4].filter((size) => size <= Math.max(1, Math.min(words.length, expected.length)));
  const logs = sizes.map((size) => {
    const ngrams = countNgrams(words, size);
    return Math.log(ratio(overlap(ngrams, countNgrams(expected, size)), total(ngrams)));
  });
  const brevity = Math.min(1, Math.exp(1 - expected.length / words.length));
  return brevity * Math.exp(logs.reduce((sum, log) => sum + log, 0) / sizes.length);
}

/** The smaller of precision and recall of all n-grams of 1 to 4 words. */
function gleu(text: string, reference: string): number {
  const [words, expected] = [wordsOf(text), wordsOf(reference)];
  let [common, inText, inReference] = [0, 0, 0];
  for (const size of [1, 2, 3, 4]) {
    const [a, b] = [countNgrams(words, size), countNgrams(expected, size)];
    common += overlap(a, b);
    inText += total(a);
    inReference += total(b);
  }
  return ratio(common, Math.max(inText, inReference));
}

/** Weighted mean of precision and recall of words. Without the stems, synonyms and order penalty of METEOR. */
function meteor(text: string, reference: string): number {
  const [a, b] = [countNgrams(wordsOf(text), 1), countNgrams(wordsOf(reference), 1)];
  const common = overlap(a, b);
  const [precision, recall] = [ratio(common, total(a)), ratio(common, total(b))];
  return ratio(10 * precision * recall, recall + 9 * precision);
}

const rouge =
  (size: number): Similarity =>
  (text, reference) => {
    const [a, b] = [countNgrams(wordsOf(text), size), countNgrams(wordsOf(reference), size)];
    const common = overlap(a, b);
    return harmonicMean(ratio(common, total(a)), ratio(common, total(b)));
  };

function rougeL(text: string, reference: string): number {
  const [words, expected] = [wordsOf(text), wordsOf(reference)];
  const common = lcsLength(words, expected);
  return harmonicMean(ratio(common, words.length), ratio(common, expected.length));
}

/** Cosine of word counts. The real API compares embeddings. */
function cosine(text: string, reference: string): number {
  const [a, b] = [countNgrams(wordsOf(text), 1), countNgrams(wordsOf(reference), 1)];
  const dotProduct = a.entries().reduce((sum, [word, count]) => sum + count * (b.get(word) ?? 0), 0);
  const norm = (ngrams: Ngrams) => Math.hypot(...ngrams.values());
  return ratio(dotProduct, norm(a) * norm(b));
}

const SIMILARITIES = {
  cosine,
  fuzzy_match: fuzzyMatch,
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

// Object.keys returns string[] for any type.
export const METRICS = Object.keys(SIMILARITIES) as (keyof typeof SIMILARITIES)[];

/** Longer texts are compared up to here: the time is quadratic. */
const MAX_COMPARED_CHARACTERS = 4000;

export function similarity(metric: keyof typeof SIMILARITIES, text: string, reference: string): number {
  return SIMILARITIES[metric](text.slice(0, MAX_COMPARED_CHARACTERS), reference.slice(0, MAX_COMPARED_CHARACTERS));
}
