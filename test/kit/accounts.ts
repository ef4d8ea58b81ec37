import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkpointBody } from './checkpoint.ts';
import type { TestClock } from './clock.ts';
import { eventBody, stepBody } from './event.ts';
import { fileBody } from './file.ts';
import { jobBody } from './job.ts';
import { modelBody } from './model.ts';
import { answer, pager, startUpstream } from './upstream.ts';

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

/** What may go wrong for one account while all is well for the others. `hang` is answered when it is released. */
export const FAULTS = ['none', '401', '403', '429', '500', '503', 'cut', 'foreign', 'text', 'reset', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

/** What one credential finds upstream: under the same ids as all the others, but everything has its mark. */
export interface Account {
  /** What a caller says to be asked for with it. */
  readonly authorization: string;
  fault: Fault;
  /** Another version has other values everywhere. */
  version: number;
  /** Targets of its calls so far. */
  readonly calls: string[];
  /** Calls that hang. */
  readonly hanging: Set<Hanging>;
  /** Answers those. */
  release(): void;
}

export interface Hanging {
  /** When it came. */
  readonly at: number;
  answer(): void;
}

export interface Accounts extends AsyncDisposable {
  readonly baseUrl: string;
  /** Opens an account with a credential that nobody had before. Marks are made of the name. */
  open(name: string): Account;
}

/** A real server with many accounts, told apart by their credentials. */
export async function startAccounts(clock: TestClock): Promise<Accounts> {
  const upstream = await startUpstream();
  const accounts = new Map<string | undefined, { account: Account; respond: Respond }>();
  upstream.failAll((request, response) => {
    const found = accounts.get(request.headers.authorization);
    if (!found) return answer(response, 401, { error: { message: 'Incorrect API key provided.' } });
    const { account, respond } = found;
    account.calls.push((request.url ?? '').replace('/v1', ''));
    if (account.fault === 'none') respond(request, response);
    else if (account.fault === 'hang') hang(account.hanging, response, clock.now(), () => respond(request, response));
    else FAILURES[account.fault](request, response);
  });
  return {
    baseUrl: upstream.baseUrl,
    open(name) {
      const hanging = new Set<Hanging>();
      const account: Account = {
        authorization: `Bearer ${name}-${crypto.randomUUID()}`,
        fault: 'none',
        version: 1,
        calls: [],
        hanging,
        release() {
          for (const { answer } of hanging) answer();
          hanging.clear();
        },
      };
      const respond: Respond = (request, response) => respondWith(`${name} v${account.version}`, request, response);
      accounts.set(account.authorization, { account, respond });
      return account;
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

const tell = (status: number, headers = {}): Respond => {
  return (_, response) => answer(response, status, { error: { message: 'No.' } }, headers);
};

const FAILURES: Record<Exclude<Fault, 'none' | 'hang'>, Respond> = {
  401: tell(401),
  403: tell(403),
  429: tell(429, { 'retry-after': '7' }),
  500: tell(500),
  503: tell(503),
  foreign: (_, response) => answer(response, 200, { greeting: 'of another dialect' }),
  text: (_, response) => answer(response, 200, 'no JSON'),
  reset: (_, response) => void response.destroy(),
  cut(_, response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('{"id": ', () => response.destroy());
  },
};

function hang(hanging: Set<Hanging>, response: ServerResponse, at: number, answer: () => void): void {
  const call = { at, answer };
  hanging.add(call);
  response.on('close', () => hanging.delete(call));
}

/** The answer of an account in which everything that can bear one has this mark. */
function respondWith(mark: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '', 'http://upstream');
  const script = scriptsOf(mark)[decodeURIComponent(pathname.replace('/v1', ''))];
  if (script === undefined)
    answer(response, 404, { error: { message: 'There is none.', type: 'invalid_request_error' } });
  else if (typeof script === 'function') script(request, response);
  else answer(response, 200, script);
}

/** Everything there is, by its path. Each name's job `ftjob-NAME` is in its account only. */
function scriptsOf(mark: string): Record<string, unknown> {
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
  const files = [
    fileBody('file-1', { filename: mark }),
    fileBody('file-results', { filename: mark, purpose: 'fine-tune-results' }),
  ];
  const models = ['base', 'tuned'].map((id) => modelBody(id, { owned_by: mark }));
  const step = mark.length * 10 + Number(mark.at(-1)); // A mark for what has only numbers.
  const things = [
    ...[running, succeeded, own].map((job) => [`/fine_tuning/jobs/${job.id}`, job]),
    ...files.map((file) => [`/files/${file.id}`, file]),
    ...models.map((model) => [`/models/${model.id}`, model]),
  ];
  return {
    ...Object.fromEntries(things),
    '/fine_tuning/jobs': pager([running, succeeded, own]),
    '/fine_tuning/jobs/ftjob-1/events': pager([stepBody(step, 1000), eventBody('ftevent-1', { message: mark })]),
    '/fine_tuning/jobs/ftjob-2/events': pager([eventBody('ftevent-2', { message: mark })]),
    '/fine_tuning/jobs/ftjob-1/checkpoints': pager([]),
    '/fine_tuning/jobs/ftjob-2/checkpoints': pager([
      checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: mark, step_number: step }),
    ]),
    '/files': pager(files),
    '/files/file-1/content': mark,
    '/files/file-results/content': `step,train_loss\n${step},0.5\n`,
    '/models': { object: 'list', data: models },
  };
}
