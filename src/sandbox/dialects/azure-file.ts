import { createFile, type FilePlan } from '../artifacts/file.ts';

const translatedFiles = new WeakMap<FilePlan, FilePlan>();

/** Translates a file: results are CSV, not base64, with -1 for a missing value (docs/upstream.md: Results file). */
export function azureFile(file: FilePlan): FilePlan {
  if (file.purpose !== 'fine-tune-results') return file;
  const cached = translatedFiles.get(file);
  if (cached !== undefined) return cached;
  const { id, filename, purpose, createdAt, deletedAt } = file;
  const content = () => {
    const chunks = file.content();
    return Symbol.iterator in chunks ? [decodeCsv([...chunks].join(''))] : []; // Results are never uploads.
  };
  const translated = createFile({ id, filename, purpose, createdAt, deletedAt, content });
  translatedFiles.set(file, translated);
  return translated;
}

function decodeCsv(base64: string): string {
  const [header = '', ...rows] = Buffer.from(base64, 'base64').toString().split('\n');
  const columns = header.split(',');
  const filled = rows.map((row) => (row === '' ? '' : fillCells(columns, row.split(',')).join(',')));
  return [header, ...filled].join('\n');
}

/** A step with a partial validation has the same values for the full one, as in the events. */
function fillCells(columns: readonly string[], cells: readonly string[]): string[] {
  return columns.map((column, index) => {
    const partial = column.startsWith('full_') ? cells[columns.indexOf(column.replace('full_', ''))] : '';
    return cells[index] || partial || '-1';
  });
}
