import type { SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { openSandbox, type WireEvent, type WireFile, type WireJob } from './open.ts';

/** A line that supervised jobs can be trained on. */
export const CHAT = JSON.stringify({
  messages: [
    { role: 'user', content: 'Is it open?' },
    { role: 'assistant', content: 'Until six.' },
  ],
});

/** So many lines. */
export const lines = (count: number, line = CHAT) => `${line}\n`.repeat(count);

/** What a write is answered: whatever else it is, the test that asks for it will see. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: JSON, which the test looks into.
  readonly body: any;
}

/** A sandbox to write to. Paths are below the base URL. */
export async function openWritable(options: Partial<SandboxOptions> = {}) {
  const sandbox = await openSandbox({ adminKey: 'the-admin', ...options });
  const version = options.dialect === 'azure' ? '?api-version=2024-10-21' : '';

  async function send(method: string, path: string, body?: BodyInit, headers = {}): Promise<Answer> {
    const separator = path.includes('?') ? '&' : '?';
    const response = await fetch(sandbox.baseUrl + path + version.replace('?', separator), {
      method,
      headers: { authorization: 'Bearer any', ...headers },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  }
  const json = { 'content-type': 'application/json' };
  const post = (path: string, body?: object, headers = {}) =>
    body === undefined ? send('POST', path) : send('POST', path, JSON.stringify(body), { ...json, ...headers });

  async function upload(content: BlobPart, fields: Record<string, string> = {}, filename = 'train.jsonl') {
    const form = new FormData();
    for (const [name, value] of Object.entries({ purpose: 'fine-tune', ...fields })) form.append(name, value);
    form.append('file', new Blob([content]), filename);
    return send('POST', '/files', form);
  }
  const uploaded = async (content: BlobPart = lines(20)): Promise<WireFile> => (await upload(content)).body;
  const create = (members: object) => post('/fine_tuning/jobs', { model: 'gpt-4o-mini', ...members });

  return {
    ...sandbox,
    send,
    post,
    upload,
    uploaded,
    create,
    /** A new job, of a new file unless one is named. */
    async created(members: { training_file?: string } & Record<string, unknown> = {}): Promise<WireJob> {
      return (await create({ training_file: members.training_file ?? (await uploaded()).id, ...members })).body;
    },
    job: async (id: string): Promise<WireJob> => (await send('GET', `/fine_tuning/jobs/${id}`)).body,
    events: async (id: string): Promise<WireEvent[]> =>
      (await send('GET', `/fine_tuning/jobs/${id}/events?limit=1000`)).body.data,
    checkpoints: async (id: string): Promise<{ step_number: number; fine_tuned_model_checkpoint: string }[]> =>
      (await send('GET', `/fine_tuning/jobs/${id}/checkpoints`)).body.data,
    steer: (id: string, deed: 'cancel' | 'pause' | 'resume') => post(`/fine_tuning/jobs/${id}/${deed}`),
  };
}

/** At ten times the real speed a job runs by then, and not to its end. */
export const UNTIL_RUNNING = 30_000;
/** More than any job takes from its beginning to its end. */
export const UNTIL_ENDED = 400_000;
