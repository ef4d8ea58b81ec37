import { createFile, type FilePlan } from '../artifacts/file.ts';

const files = new WeakMap<FilePlan, FilePlan>();

/** A file as Azure keeps it: results are a plain CSV, in which -1 says that nothing was measured (docs/upstream.md: Results file). */
export function azureFile(file: FilePlan): FilePlan {
  if (file.purpose !== 'fine-tune-results') return file;
  const known = files.get(file);
  if (known !== undefined) return known;
  const { id, filename, purpose, createdAt, deletedAt } = file;
  const content = () => {
    const pieces = file.content();
    return Symbol.iterator in pieces ? [plainCsv([...pieces].join(''))] : []; // Results are never uploaded.
  };
  const plain = createFile({ id, filename, purpose, createdAt, deletedAt, content });
  files.set(file, plain);
  return plain;
}

function plainCsv(base64: string): string {
  const [header = '', ...rows] = Buffer.from(base64, 'base64').toString().split('\n');
  const columns = header.split(',');
  const filled = rows.map((row) => (row === '' ? '' : fill(columns, row.split(',')).join(',')));
  return [header, ...filled].join('\n');
}

/** Where the validation file was measured in part, the whole was too, as in the events. */
function fill(columns: readonly string[], cells: readonly string[]): string[] {
  return columns.map((column, index) => {
    const part = column.startsWith('full_') ? cells[columns.indexOf(column.replace('full_', ''))] : '';
    return cells[index] || part || '-1';
  });
}
