// A sample of the text of a file, whose size grows with the logarithm of that of the file. The first MiB is counted
// entirely. From then on the text is cut into windows, and each doubling of the file is a stratum: of the windows of the
// second MiB every 2nd is counted, of those of the next 2 MiB every 4th, and so on: 5.5 MiB of a file of 512 MiB.

/** A stratum: the size of its text, and the bytes and tokens of each window in its sample. */
export interface Stratum {
  bytes: number;
  windows: number;
  readonly sample: { readonly bytes: number; readonly tokens: number }[];
}

/** The sum of all strata. */
export interface SampledTotal {
  readonly tokens: number;
  /** Three standard errors of the tokens, relative to them. */
  readonly error: number;
}

/** Estimates the tokens of a stratum by the ratio of tokens to bytes in its sample, or `fallback` without a sample. */
function estimate({ bytes, windows, sample }: Stratum, fallback: number) {
  const sampled = sample.reduce((sum, window) => sum + window.bytes, 0);
  const ratio = sampled === 0 ? fallback : sample.reduce((sum, window) => sum + window.tokens, 0) / sampled;
  const count = Math.max(sample.length, 1);
  const squares = sample.reduce((sum, window) => sum + (window.tokens - ratio * window.bytes) ** 2, 0);
  // One window says nothing about the others: its error is as large as its tokens.
  const deviation = sample.length > 1 ? squares / (count - 1) : ((ratio * bytes) / Math.max(windows, 1)) ** 2;
  const unsampled = Math.max(0, 1 - sample.length / Math.max(windows, 1));
  return { tokens: ratio * bytes, ratio, variance: (windows ** 2 * unsampled * deviation) / count };
}

/** Adds up the tokens that were counted entirely, and the estimates of the strata. */
export function totalOf(counted: { bytes: number; tokens: number }, strata: readonly Stratum[]): SampledTotal {
  let { tokens } = counted;
  let variance = 0;
  let ratio = counted.bytes === 0 ? 0 : counted.tokens / counted.bytes;
  for (const stratum of strata) {
    const estimated = estimate(stratum, ratio);
    tokens += estimated.tokens;
    variance += estimated.variance;
    ratio = estimated.ratio;
  }
  return { tokens, error: tokens === 0 ? 0 : (3 * Math.sqrt(variance)) / tokens };
}

/** A generator of numbers from 0 to below 1, always the same: a file always has the same estimate (mulberry32). */
export function createRandom(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
