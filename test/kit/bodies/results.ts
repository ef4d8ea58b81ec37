/** A results file as OpenAI has them: CSV in base64. */
export const toBase64 = (csv: string): string => Buffer.from(csv).toString('base64');

/** The lines of a results file: an empty cell is what was not measured. */
export const csvOf = (header: string, rows: Iterable<readonly (string | number)[]>): string =>
  [header, ...Array.from(rows, (row) => row.join(','))].map((line) => `${line}\n`).join('');
