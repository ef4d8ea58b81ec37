import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { checkpointBody } from '../bodies/checkpoint.ts';
import { eventBody, stepBody } from '../bodies/event.ts';
import { fileBody } from '../bodies/file.ts';
import { jobBody } from '../bodies/job.ts';
import { modelBody } from '../bodies/model.ts';
import { pager, writeResponse } from '../gateway/upstream.ts';

/** The writes of one account, on top of the resources that every account has. */
export interface AccountState {
  /** The bodies of created jobs, oldest first. */
  readonly created: { readonly metadata?: unknown }[];
  readonly cancelled: Set<string>;
  readonly deleted: Set<string>;
  uploads: number;
}

export const createAccountState = (): AccountState => ({
  created: [],
  cancelled: new Set(),
  deleted: new Set(),
  uploads: 0,
});

/** Responds for one account, with this mark in every resource. */
export async function respondWith(
  mark: string,
  state: AccountState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request);
  const path = decodeURIComponent(new URL(request.url ?? '', 'http://upstream').pathname.replace('/v1', ''));
  const result = request.method === 'GET' ? path : write(`${request.method} ${path}`, state, body);
  const script = typeof result === 'string' ? scriptsOf(mark, state)[result] : result;
  if (script == null) writeResponse(response, 404, { error: { message: 'Not found.', type: 'invalid_request_error' } });
  else if (typeof script === 'function') script(request, response);
  else writeResponse(response, 200, script);
}

/** Executes a write. Returns the response body or the path of the changed resource; null when it does not exist. */
function write(call: string, state: AccountState, body: Buffer): object | string | null {
  const { created, cancelled, deleted } = state;
  const [, noun = '', id = '', verb] = /^\w+ (?:\/fine_tuning)?\/(\w+)\/?([^/]*)\/?(.*)$/.exec(call) ?? [];
  if (call === 'POST /fine_tuning/jobs') {
    created.push(JSON.parse(body.toString()));
    return `/fine_tuning/jobs/ftjob-made-${created.length - 1}`;
  }
  if (call === 'POST /files') return `/files/file-made-${state.uploads++}`;
  if (verb === 'cancel') {
    cancelled.add(id);
    return `/fine_tuning/jobs/${id}`;
  }
  if (noun !== 'files' || id !== 'file-1' || deleted.has(id)) return null;
  deleted.add(id);
  return { id, deleted: true };
}

/** All resources by path. Only the account itself has the job `ftjob-NAME`. */
function scriptsOf(mark: string, { created, cancelled, deleted, uploads }: AccountState): Record<string, unknown> {
  const [name = ''] = mark.split(' ');
  const user_provided_suffix = mark;
  const running = jobBody({ id: 'ftjob-1', model: 'base', training_file: 'file-1', user_provided_suffix });
  const ended = {
    status: 'succeeded',
    finished_at: 1_760_003_600,
    model: 'base',
    training_file: 'file-1',
    fine_tuned_model: 'tuned',
    result_files: ['file-results'],
  };
  const succeeded = jobBody({ id: 'ftjob-2', ...ended, user_provided_suffix });
  const own = jobBody({ id: `ftjob-${name}`, user_provided_suffix });
  const made = created.map(({ metadata = null }, at) =>
    jobBody({ id: `ftjob-made-${at}`, metadata, user_provided_suffix }),
  );
  const jobs = [...made.reverse(), running, succeeded, own].map((job) =>
    cancelled.has(job.id) ? { ...job, status: 'cancelled' } : job,
  );
  const files = [
    ...Array.from({ length: uploads }, (_, at) => fileBody(`file-made-${at}`, { filename: mark })),
    fileBody('file-1', { filename: mark }),
    fileBody('file-results', { filename: mark, purpose: 'fine-tune-results' }),
  ].filter(({ id }) => !deleted.has(id));
  const models = ['base', 'tuned'].map((id) => modelBody(id, { owned_by: mark }));
  const step = mark.length * 10 + Number(mark.at(-1)); // The mark as a number.
  const resources = [
    ...jobs.map((job) => [`/fine_tuning/jobs/${job.id}`, job]),
    ...files.map((file) => [`/files/${file.id}`, file]),
    ...models.map((model) => [`/models/${model.id}`, model]),
  ];
  return {
    ...Object.fromEntries(resources),
    '/fine_tuning/jobs': pager(jobs),
    '/fine_tuning/jobs/ftjob-1/events': pager([stepBody(step, 1000), eventBody('ftevent-1', { message: mark })]),
    '/fine_tuning/jobs/ftjob-2/events': pager([eventBody('ftevent-2', { message: mark })]),
    '/fine_tuning/jobs/ftjob-1/checkpoints': pager([]),
    '/fine_tuning/jobs/ftjob-2/checkpoints': pager([
      checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: mark, step_number: step }),
    ]),
    '/files': pager(files),
    ...(!deleted.has('file-1') && { '/files/file-1/content': mark }),
    '/files/file-results/content': `step,train_loss\n${step},0.5\n`,
    '/models': { object: 'list', data: models },
  };
}
