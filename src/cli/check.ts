import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { createNetwork } from '../network/network.ts';
import type { Logger } from '../telemetry/logger.ts';
import { replaceUnsafe } from '../telemetry/unsafe-characters.ts';
import { redactKey } from '../upstream/credentials/redaction.ts';
import { ProxyFailure, UpstreamError } from '../upstream/errors/upstream-error.ts';
import { type Path, path } from '../upstream/http/path.ts';
import type { Query } from '../upstream/http/query.ts';
import { createRestClient, type RestClient } from '../upstream/http/rest-client.ts';
import { openTarget, type UpstreamTarget } from '../upstream-target.ts';
import { version } from '../version.ts';
import { checkFleet } from './check-fleet.ts';
import { checkIssuers } from './check-issuers.ts';
import { upstreamText } from './upstream-text.ts';

// `npm start -- --check`: checks the upstream before the first client connects.

interface Endpoint {
  readonly path: Path | null; // As the tag returns it; never null here.
  readonly query: Query;
  /** The resources that are missing without this endpoint. */
  readonly noun: string;
}

const ENDPOINTS: readonly Endpoint[] = [
  { path: path`/fine_tuning/jobs`, query: { limit: 1 }, noun: 'jobs' },
  { path: path`/models`, query: {}, noun: 'models' },
  { path: path`/files`, query: { limit: 1 }, noun: 'files' },
];

/** Result of one call; `error` is undefined when it succeeded. */
interface CallReport {
  readonly endpoint: Endpoint;
  readonly error: UpstreamError | undefined;
  readonly ms: number;
  readonly requestId: string | undefined;
}

/**
 * Calls each list endpoint of the configured upstream once, reads the keys of each issuer of JWTs, and tries Redis. Prints each line as soon
 * as it is known. Resolves to whether the upstream returns jobs, the issuers have keys and Redis answers, so that the gateway is useful.
 */
export async function check(
  config: Config,
  log: Logger,
  clock: Clock,
  print: (line: string) => void,
): Promise<boolean> {
  await using opened = new AsyncDisposableStack();
  const target = await openTarget(config, log, clock, opened);
  const network = await createNetwork(config.proxies, clock);
  opened.defer(() => network.dispose());
  const rest = createRestClient({ ...target, ...config.upstreamCalls, retries: 0, network, clock }); // Report what happens now.
  opened.defer(() => rest.dispose());
  print(`Finetune Gateway ${version}: the settings are valid.`);
  print(`Upstream: ${upstreamText(target.name, config)}.`);
  if (target.warning !== undefined) print(`Warning: ${target.warning}`);
  const isPassthrough = config.auth.kind === 'passthrough';
  const keyName = isPassthrough || config.upstream.kind === 'sandbox' ? 'the API key' : config.keySetting;
  const calls: CallReport[] = [];
  for (const endpoint of ENDPOINTS) {
    const call = await callEndpoint(rest, endpoint, target, clock);
    print(`  ${lineOf(call, target, keyName)}`);
    calls.push(call);
  }
  const jobsError = calls[0]?.error;
  // With passthrough there is no key to try: an upstream that asks for one is as expected.
  const isUsable = jobsError === undefined || (isPassthrough && jobsError.code === 'UPSTREAM_UNAUTHENTICATED');
  if (config.upstream.kind !== 'sandbox') print(isPassthrough ? NO_KEY_TRIED : credentialLine(calls));
  const hasKeys = await checkIssuers(config.auth, network, clock, print);
  const hasFleet = await checkFleet(config, clock, print);
  if (!isUsable) print('The gateway would start, but could not return any jobs.');
  else if (!hasFleet) print('The gateway would start, but would not become ready without Redis.');
  else print(hasKeys ? 'The gateway can start.' : 'The gateway would start, but could not verify JWTs of each issuer.');
  return isUsable && hasKeys && hasFleet;
}

async function callEndpoint(
  rest: RestClient,
  endpoint: Endpoint,
  { credential }: UpstreamTarget,
  clock: Clock,
): Promise<CallReport> {
  const startedAt = clock.now();
  const report = (error: UpstreamError | undefined, requestId: string | undefined): CallReport => {
    return { endpoint, error, ms: clock.now() - startedAt, requestId };
  };
  try {
    const signal = new AbortController().signal; // Never aborted: the call has a timeout.
    const requestId = await rest.get(endpoint.path, endpoint.query, requestIdOfList, { credential, signal });
    return report(undefined, requestId);
  } catch (error) {
    if (error instanceof UpstreamError) return report(error, error.facts.upstreamRequestId);
    throw error;
  }
}

/** The upstream's id of the request. Throws an UpstreamError when the body is not a list. */
function requestIdOfList(body: unknown, facts: UpstreamError['facts']): string | undefined {
  if (Array.isArray(Object(body).data)) return facts.upstreamRequestId;
  throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: expected an array', facts);
}

/** One line about one call: `GET /models succeeded after 120 ms (x-request-id req_1).` */
function lineOf(
  { endpoint, error, ms, requestId }: CallReport,
  { credential }: UpstreamTarget,
  keyName: string,
): string {
  const id = requestId === undefined ? '' : ` (x-request-id ${requestId})`;
  const call = `GET ${endpoint.path?.text}`;
  if (error === undefined) return `${call} succeeded after ${ms} ms${id}.`;
  const { upstreamStatus } = error.facts;
  const status = upstreamStatus === undefined ? '' : ` with status ${upstreamStatus}`;
  const [reason, advice] = explain(error, keyName);
  const sentences = [
    redactKey(printable(reason), credential),
    ...advice,
    `The gateway has no ${endpoint.noun} without this endpoint`,
  ];
  return `${call} failed${status} after ${ms} ms${id}: ${sentences.map((sentence) => `${sentence}.`).join(' ')}`;
}

/** Why a call failed, and sentences on what to do. */
function explain(error: UpstreamError, keyName: string): [string, string[]] {
  const { code, detail } = error;
  switch (code) {
    case 'UPSTREAM_UNSUPPORTED':
      return ['the server has no such endpoint', ['Check the base URL', 'It ends in /v1 on most servers']];
    case 'UPSTREAM_UNAUTHENTICATED':
      return ['the credential is not valid', [`Check ${keyName}`]];
    case 'UPSTREAM_FORBIDDEN':
      return ['the credential has no permission for it', [`Check the permissions of ${keyName}`]];
    case 'UPSTREAM_RATE_LIMITED':
    case 'UPSTREAM_QUOTA_EXCEEDED':
      return ['the rate limit or the quota is exceeded', ['Try again later']];
    case 'UPSTREAM_INVALID_RESPONSE':
      return ['the response is not one of this API', ['Check the base URL']];
    case 'UPSTREAM_TIMEOUT':
      return ['there was no response in time', ['Check the base URL and UPSTREAM_TIMEOUT_MS']];
    case 'UPSTREAM_UNAVAILABLE':
      if (error instanceof ProxyFailure) return [detail, []];
      return [detail || NO_MESSAGE, ['Check the base URL, and that the server is running']];
    case 'UPSTREAM_REJECTED':
      return [detail || NO_MESSAGE, ['Check the base URL, and the organization and project of the API key']];
  }
}

const NO_MESSAGE = 'the response has no error message';

const NO_KEY_TRIED = 'No credential was tried, because callers send their own keys (AUTH=passthrough).';

function credentialLine(calls: readonly CallReport[]): string {
  const codes = calls.map(({ error }) => error?.code);
  if (codes.includes('UPSTREAM_UNAUTHENTICATED')) return 'The credential is not valid.';
  if (codes.includes(undefined)) return 'The credential is valid.';
  return codes.includes('UPSTREAM_FORBIDDEN')
    ? 'The credential is valid, but has no permission for any of these endpoints.'
    : 'The credential could not be checked.';
}

/** Text from the upstream on one line, without unsafe characters, truncated to 200 characters. */
function printable(text: string): string {
  return replaceUnsafe(text).replace(/\s+/g, ' ').slice(0, 200).replace(/\.$/, '');
}
