/**
 * A pseudorandom number from -1 to 1, determined by its arguments, which are integers. Costs a hundredth of creating a
 * Random: a job has thousands of steps with several values each.
 */
export function noise(key: number, step: number, series: number): number {
  let mixed = Math.imul(key ^ Math.imul(step, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(series + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 31 - 1;
}
