import { version } from '../app.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../telemetry/logger.ts';
import { redactKey } from '../upstream/credentials/redaction.ts';
import { UpstreamError } from '../upstream/errors/upstream-error.ts';
import { type Path, path } from '../upstream/http/path.ts';
import { createRestClient, type Query, type RestClient } from '../upstream/http/rest-client.ts';
import { openTarget, type UpstreamTarget } from '../upstream-target.ts';

// `npm start -- --check`: what an operator wants to know before the first client comes.

export interface Findings {
  /** Plain sentences, each with its line. */
  readonly text: string;
  /** Whether the gateway can do its work: the upstream answers about jobs. */
  readonly isFine: boolean;
}

interface Endpoint {
  readonly path: Path | null; // As the tag makes it; these can name something.
  readonly query: Query;
  /** What the graph cannot say without it. */
  readonly serves: string;
}

const ENDPOINTS: readonly Endpoint[] = [
  { path: path`/fine_tuning/jobs`, query: { limit: 1 }, serves: 'jobs' },
  { path: path`/models`, query: {}, serves: 'models' },
  { path: path`/files`, query: { limit: 1 }, serves: 'files' },
];

/** What became of one request; `error` is undefined when it was answered. */
interface Outcome {
  readonly endpoint: Endpoint;
  readonly error: UpstreamError | undefined;
  readonly ms: number;
  readonly requestId: string | undefined;
}

/** Asks the upstream of a configuration that has no faults for a little of everything. */
export async function check(config: Config, log: Logger, clock: Clock): Promise<Findings> {
  await using opened = new AsyncDisposableStack();
  const target = await openTarget(config, log, clock, opened);
  const rest = createRestClient({
    ...target,
    timeoutMs: config.upstreamTimeoutMs,
    connections: config.upstreamConnections,
    retries: 0, // What is told is what is there now.
    maxRps: config.upstreamMaxRps,
    clock,
  });
  opened.defer(() => rest.dispose());
  const outcomes: Outcome[] = [];
  for (const endpoint of ENDPOINTS) outcomes.push(await ask(rest, endpoint, target, clock));
  const isPassthrough = config.auth.kind === 'passthrough';
  const refusal = outcomes[0]?.error;
  // Who passes keys on has none to show: that the upstream asks for one is all that can be seen.
  const isFine = refusal === undefined || (isPassthrough && refusal.code === 'UPSTREAM_UNAUTHENTICATED');
  const lines = [
    `Finetune Gateway ${version}: the configuration has no faults.`,
    `The upstream is ${nameOf(target, config)}.`,
    ...outcomes.map((outcome) => `  ${told(outcome, target)}`),
    ...(config.upstream.kind === 'sandbox' ? [] : [isPassthrough ? KEYLESS : verdictOnKey(outcomes)]),
    isFine ? 'The gateway can start.' : 'The gateway would start, but could not answer about jobs.',
  ];
  return { text: lines.map((line) => `${line}\n`).join(''), isFine };
}

async function ask(
  rest: RestClient,
  endpoint: Endpoint,
  { credential }: UpstreamTarget,
  clock: Clock,
): Promise<Outcome> {
  const beganAt = clock.now();
  const outcome = (error: UpstreamError | undefined, requestId: string | undefined): Outcome => {
    return { endpoint, error, ms: clock.now() - beganAt, requestId };
  };
  try {
    const signal = new AbortController().signal; // The deadline is end enough.
    const requestId = await rest.get(endpoint.path, endpoint.query, requestIdOfList, { credential, signal });
    return outcome(undefined, requestId);
  } catch (error) {
    if (error instanceof UpstreamError) return outcome(error, error.facts.upstreamRequestId);
    throw error;
  }
}

/** Takes any list of the dialect for an answer, and gives the name that the upstream gave it. */
function requestIdOfList(body: unknown, facts: UpstreamError['facts']): string | undefined {
  if (Array.isArray(Object(body).data)) return facts.upstreamRequestId;
  throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: expected an array', facts);
}

function nameOf({ name, baseUrl }: UpstreamTarget, { upstream }: Config): string {
  if (upstream.kind === 'sandbox') return 'the built-in sandbox: its jobs are made up';
  return `${name === 'OpenAI' ? 'OpenAI' : upstream.kind === 'azure' ? 'Azure OpenAI' : 'a server of the dialect'}, ${baseUrl.origin}${baseUrl.pathname}`;
}

/** One line on one endpoint: `GET /models answers, after 120 ms (x-request-id req_1).` */
function told({ endpoint, error, ms, requestId }: Outcome, { credential }: UpstreamTarget): string {
  const id = requestId === undefined ? '' : ` (x-request-id ${requestId})`;
  const what = error === undefined ? 'answers' : sentenceOf(error);
  const detail = error?.code === 'UPSTREAM_UNAVAILABLE' ? `: ${redactKey(printable(error.detail), credential)}` : '';
  const loss = error === undefined ? '' : ` Without it there are no ${endpoint.serves}.`;
  return `GET ${endpoint.path} ${what}, after ${ms} ms${id}${detail}.${loss}`;
}

function sentenceOf({ code, facts }: UpstreamError): string {
  const status = facts.upstreamStatus === undefined ? '' : ` with status ${facts.upstreamStatus}`;
  switch (code) {
    case 'UPSTREAM_UNSUPPORTED':
      return 'is missing: the server has no such endpoint, or the base URL is wrong';
    case 'UPSTREAM_UNAUTHENTICATED':
      return `is refused${status}: the credential is not accepted`;
    case 'UPSTREAM_FORBIDDEN':
      return `is refused${status}: the credential does not allow it`;
    case 'UPSTREAM_RATE_LIMITED':
    case 'UPSTREAM_QUOTA_EXCEEDED':
      return `is refused${status}: too many requests, or the quota is used up`;
    case 'UPSTREAM_INVALID_RESPONSE':
      return `gives an answer that is not of the dialect${status}: is the base URL right?`;
    case 'UPSTREAM_TIMEOUT':
      return `does not answer in time${status}`;
    default:
      return `fails${status}`;
  }
}

const KEYLESS = 'Callers bring their own keys (AUTH=passthrough), so that none was tried.';

function verdictOnKey(outcomes: readonly Outcome[]): string {
  const codes = outcomes.map(({ error }) => error?.code);
  if (codes.includes('UPSTREAM_UNAUTHENTICATED')) return 'The credential is not accepted.';
  if (codes.includes(undefined)) return 'The credential is accepted.';
  return codes.includes('UPSTREAM_FORBIDDEN')
    ? 'The credential is known, but allows nothing that was asked.'
    : 'Whether the credential is accepted could not be found out.';
}

/** What others wrote, for a terminal: one line, no control characters, cut. */
function printable(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .slice(0, 200)
    .replace(/\.$/, '');
}
