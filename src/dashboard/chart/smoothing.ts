/**
 * Exponential moving average without the bias of its start (Adam, arXiv 1412.6980, section 3). `weight` is from 0, which
 * changes nothing, to below 1. A value that was not measured stays null and does not count.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  let average = 0;
  let bias = 1;
  return values.map((value) => {
    if (value === null) return null;
    average = weight * average + (1 - weight) * value;
    bias *= weight;
    return average / (1 - bias);
  });
}
