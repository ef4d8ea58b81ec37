/** A price that the operator has entered: an amount per million training tokens. */
export interface Price {
  /** The id of a base model, in which `*` stands for any characters. */
  readonly model: string;
  readonly method: string;
  readonly amount: number;
  /** ISO 4217, such as USD. */
  readonly currency: string;
  /** Calendar date of the price, as YYYY-MM-DD. */
  readonly asOf: string;
  /** Where the price is from. */
  readonly source: string;
}

export type PriceList = readonly Price[];

/** Returns the first price of a base model, or of the base of a fine-tuned model; null when there is none. */
export function findPrice(prices: PriceList, modelId: string, method: string): Price | null {
  const base = /^ft:([^:]+)/.exec(modelId)?.[1] ?? modelId;
  return prices.find((price) => price.method === method && matches(price.model, base)) ?? null;
}

function matches(pattern: string, modelId: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return modelId === pattern;
  if (!modelId.startsWith(start) || !modelId.endsWith(end)) return false;
  let from = start.length;
  for (const part of parts) {
    const index = modelId.indexOf(part, from);
    if (index < 0) return false;
    from = index + part.length;
  }
  return from + end.length <= modelId.length;
}
