/** NaN for a text that is no decimal number: `Number` reads `0x10` and an empty text too. */
export const readNumber = (text: string): number =>
  /^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
