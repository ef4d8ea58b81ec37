import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCounter } from '../counter.ts';

/** A request that the scripted upstream has received. */
export interface ReceivedCall {
  readonly method: string;
  /** The request target, encoded, with its query. */
  readonly target: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

/** A response: the body of a 200, or a request handler. */
type Script = unknown | ((request: IncomingMessage, response: ServerResponse) => void);

/** A body with an id. */
interface Entity {
  readonly id: string;
  readonly [member: string]: unknown;
}

/** A real HTTP server with the responses of a test. It records its requests. */
export interface ScriptedUpstream extends AsyncDisposable {
  readonly baseUrl: string;
  /** All requests so far, in order of arrival. */
  readonly calls: ReceivedCall[];
  /** Sets the response to a target (below the base URL, with its query, or for any query). */
  on(target: string, script: Script): void;
  /** Sets the handler of all requests, until it is set to null. */
  failAll(script: ((request: IncomingMessage, response: ServerResponse) => void) | null): void;
  /** Stops listening. Resolves to a function that listens again. */
  refuse(): Promise<() => Promise<void>>;
  /** Lists, newest first, with `limit` and `after`. */
  onJobs(jobs: readonly Entity[]): void;
  onJob(job: Entity): void;
  onEvents(jobId: string, events: readonly Entity[]): void;
  onCheckpoints(jobId: string, checkpoints: readonly Entity[]): void;
  /** The list of files, with `purpose` and `order`, and each file. */
  onFiles(files: readonly Entity[]): void;
  onFile(file: Entity): void;
  /** The content of a file, in these chunks. */
  onContent(fileId: string, ...chunks: readonly (string | Uint8Array)[]): void;
  /** The list of models, and each model. */
  onModels(models: readonly Entity[]): void;
  onModel(model: Entity): void;
  /** Delays all responses until `release`; a second gate delays only the requests after it. */
  hold(): Gate;
}

export interface Gate {
  /** Resolves when `count` requests have arrived since the gate was closed. */
  arrived(count: number): Promise<void>;
  /** Resolves when the client has aborted `count` requests. */
  abandoned(count: number): Promise<void>;
  release(): void;
}

const PREFIX = '/v1';

export async function startUpstream(): Promise<ScriptedUpstream> {
  const calls: ReceivedCall[] = [];
  const scripts = new Map<string, Script>();
  let gate: ReturnType<typeof createGate> | undefined;
  let failure: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;

  const server = createServer(async (request, response) => {
    const target = (request.url ?? '').replace(PREFIX, '');
    calls.push({
      method: request.method ?? '',
      target,
      authorization: request.headers.authorization,
      headers: request.headers,
    });
    if (gate) await gate.pass(response);
    if (failure) return failure(request, response);
    const script = scripts.get(target) ?? scripts.get(target.split('?')[0] ?? '');
    if (typeof script === 'function') return script(request, response);
    if (script === undefined) return writeResponse(response, 404, notFound(target));
    writeResponse(response, 200, script);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    baseUrl: `http://127.0.0.1:${port}${PREFIX}`,
    calls,
    on: (target, script) => scripts.set(target, script),
    failAll(script) {
      failure = script;
    },
    onJob: (job) => scripts.set(at('/fine_tuning/jobs', job.id), job),
    onJobs: (jobs) => scripts.set('/fine_tuning/jobs', pager(jobs)),
    onEvents: (jobId, events) => scripts.set(`${at('/fine_tuning/jobs', jobId)}/events`, pager(events)),
    onCheckpoints: (jobId, list) => scripts.set(`${at('/fine_tuning/jobs', jobId)}/checkpoints`, pager(list)),
    onFiles(files) {
      scripts.set('/files', pager(files));
      for (const file of files) scripts.set(at('/files', file.id), file);
    },
    onFile: (file) => scripts.set(at('/files', file.id), file),
    onContent(fileId, ...chunks) {
      scripts.set(`${at('/files', fileId)}/content`, (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        for (const chunk of chunks) response.write(chunk);
        response.end();
      });
    },
    onModels(models) {
      scripts.set('/models', { object: 'list', data: models });
      for (const model of models) scripts.set(at('/models', model.id), model);
    },
    onModel: (model) => scripts.set(at('/models', model.id), model),
    hold() {
      const closed = createGate(() => {
        if (gate === closed) gate = undefined;
      });
      gate = closed;
      return closed;
    },
    async refuse() {
      await close();
      return () => listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
}

export function writeResponse(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const at = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`;

/** The recorded body for a missing job. */
function notFound(target: string) {
  const id = decodeURIComponent(target.split('/')[3] ?? '');
  const message = `Could not find fine tune: ${id}`;
  return { error: { message, type: 'invalid_request_error', param: 'fine_tune_id', code: 'fine_tune_not_found' } };
}

/** A handler that returns pages of a list, with `purpose`, `order`, `after` and `limit`. */
export function pager(entities: readonly Entity[]): (request: IncomingMessage, response: ServerResponse) => void {
  return ({ url }, response) => {
    const query = new URL(url ?? '', 'http://upstream').searchParams;
    const matching = entities.filter(({ purpose }) => [purpose, null].includes(query.get('purpose')));
    const list = query.get('order') === 'asc' ? matching.toReversed() : matching;
    const start = list.findIndex(({ id }) => id === query.get('after')) + 1;
    const end = start + Number(query.get('limit') ?? 20);
    writeResponse(response, 200, { object: 'list', data: list.slice(start, end), has_more: end < list.length });
  };
}

function createGate(onRelease: () => void): Gate & { pass(response: ServerResponse): Promise<void> } {
  const opened = Promise.withResolvers<void>();
  const arrivals = createCounter();
  const departures = createCounter();
  return {
    pass(response) {
      arrivals.count();
      response.on('close', () => response.writableFinished || departures.count());
      return opened.promise;
    },
    arrived: arrivals.reached,
    abandoned: departures.reached,
    release() {
      onRelease();
      opened.resolve();
    },
  };
}
