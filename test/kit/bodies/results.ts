/** Encodes a results file as OpenAI serves it: CSV in base64. */
export const toBase64 = (csv: string): string => Buffer.from(csv).toString('base64');

/** Returns the CSV of a results file. An empty cell means no value. */
export const csvOf = (header: string, rows: Iterable<readonly (string | number)[]>): string =>
  [header, ...Array.from(rows, (row) => row.join(','))].map((line) => `${line}\n`).join('');
