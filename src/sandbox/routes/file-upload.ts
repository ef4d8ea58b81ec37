import { FileApiError, invalidFileChoice, invalidFileParameter } from '../api/api-error.ts';
import { boundaryOf, type Part, readParts } from '../api/multipart.ts';
import { type FilePlan, fileBody } from '../artifacts/file.ts';
import { createRandom } from '../simulation/random.ts';
import type { Spool } from '../state/spool.ts';
import type { State } from '../state/state.ts';
import type { ApiRequest } from './route.ts';

/** The fields of a form. Its file is stored in the spool. */
interface Form {
  readonly filename: string;
  readonly bytes: number;
  readonly fields: ReadonlyMap<string, string>;
}

const PURPOSES = ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'];
const FIELDS = ['purpose', 'expires_after[anchor]', 'expires_after[seconds]'];
const MAX_FIELD_BYTES = 4096;
const BATCH_SECONDS = 30 * 86_400;

/** Stores the file while it arrives, and removes it when the form is invalid. */
export async function uploadFile({ headers, bytes, clock }: ApiRequest, state: State): Promise<object> {
  const { writes, spool, account } = state;
  const boundary = boundaryOf(headers['content-type']);
  const random = createRandom(account.organizationId, 'upload', clock.now(), writes.nextNumber());
  const id = `file-${random.text(22)}`;
  try {
    const form = await readForm(readParts(bytes, boundary), spool, id);
    const file = planUpload(id, form, spool, clock.now());
    writes.addFile(file);
    return fileBody(file);
  } catch (error) {
    await spool.remove(id);
    throw error;
  }
}

async function readForm(parts: AsyncIterable<Part>, spool: Spool, id: string): Promise<Form> {
  const fields = new Map<string, string>();
  let file: { filename: string; bytes: number } | undefined;
  for await (const { name, filename, content } of parts) {
    if (name === 'file') {
      if (file !== undefined) throw invalidFileParameter('file', 'there is more than one');
      file = { filename: baseName(filename ?? 'upload'), bytes: await spool.store(id, content) };
    } else {
      if (!FIELDS.includes(name)) throw unexpectedField(name);
      fields.set(name, await readField(name, content));
    }
  }
  if (file === undefined) throw missingField('file');
  return { ...file, fields };
}

/** Some clients send a path. */
const baseName = (filename: string) => filename.replace(/^.*[/\\]/s, '') || 'upload';

async function readField(name: string, content: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > MAX_FIELD_BYTES) throw invalidFileParameter(name, 'it is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Throws FileApiError with the name of the invalid field. */
function planUpload(id: string, { filename, bytes, fields }: Form, spool: Spool, now: number): FilePlan {
  const purpose = fields.get('purpose');
  if (purpose === undefined) throw missingField('purpose');
  if (!PURPOSES.includes(purpose)) throw invalidFileChoice('purpose', purpose, PURPOSES);
  const seconds = readExpiry(fields) ?? (purpose === 'batch' ? BATCH_SECONDS : null);
  return {
    id,
    filename,
    purpose,
    bytes,
    createdAt: now,
    deletedAt: null,
    ...(seconds !== null && { expiresAt: now + seconds * 1000 }),
    content: () => spool.read(id),
  };
}

/** Seconds from the upload to the expiry; null when the file does not expire. */
function readExpiry(fields: ReadonlyMap<string, string>): number | null {
  const [anchor, seconds] = [fields.get('expires_after[anchor]'), fields.get('expires_after[seconds]')];
  if (anchor === undefined && seconds === undefined) return null;
  if (anchor !== 'created_at') throw invalidFileChoice('expires_after.anchor', anchor ?? '', ['created_at']);
  const isAllowed = /^\d{1,9}$/.test(seconds ?? '') && Number(seconds) >= 3600 && Number(seconds) <= 2_592_000;
  if (!isAllowed) throw invalidFileParameter('expires_after.seconds', `'${seconds}' is not from 3600 to 2592000`);
  return Number(seconds);
}

const missingField = (name: string) => new FileApiError(400, `'${name}' is a required property`, name);
const unexpectedField = (name: string) =>
  new FileApiError(400, `Additional properties are not allowed ('${name}' was unexpected)`, name);
