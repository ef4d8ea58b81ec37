import type { SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { openSandbox, type WireEvent, type WireFile, type WireJob } from './open.ts';

/** A training example for supervised jobs. */
export const CHAT = JSON.stringify({
  messages: [
    { role: 'user', content: 'Is it open?' },
    { role: 'assistant', content: 'Until six.' },
  ],
});

/** A JSONL file with `count` equal lines. */
export const lines = (count: number, line = CHAT) => `${line}\n`.repeat(count);

/** The assertions of the test check the shape of `body`. */
interface WireResponse {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: JSON, checked by the assertions of the test.
  readonly body: any;
}

/** Opens a sandbox with functions for writes. Paths are below the base URL. */
export async function openWritable(options: Partial<SandboxOptions> = {}) {
  const sandbox = await openSandbox({ adminKey: 'the-admin', ...options });
  const version = options.dialect === 'azure' ? '?api-version=2024-10-21' : '';

  async function send(method: string, path: string, body?: BodyInit, headers = {}): Promise<WireResponse> {
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
    /** Creates a job; by default, of a new file. */
    async created(members: { training_file?: string } & Record<string, unknown> = {}): Promise<WireJob> {
      return (await create({ training_file: members.training_file ?? (await uploaded()).id, ...members })).body;
    },
    job: async (id: string): Promise<WireJob> => (await send('GET', `/fine_tuning/jobs/${id}`)).body,
    events: async (id: string): Promise<WireEvent[]> =>
      (await send('GET', `/fine_tuning/jobs/${id}/events?limit=1000`)).body.data,
    checkpoints: async (id: string): Promise<{ step_number: number; fine_tuned_model_checkpoint: string }[]> =>
      (await send('GET', `/fine_tuning/jobs/${id}/checkpoints`)).body.data,
    control: (id: string, action: 'cancel' | 'pause' | 'resume') => post(`/fine_tuning/jobs/${id}/${action}`),
  };
}

/** Milliseconds after which a new job is running at speed 10. */
export const UNTIL_RUNNING = 30_000;
/** Milliseconds after which a new job has ended at speed 10. */
export const UNTIL_ENDED = 400_000;
