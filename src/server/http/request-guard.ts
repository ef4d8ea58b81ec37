import type { IncomingMessage } from 'node:http';
import { isOfOrigin } from './cors.ts';
import { HttpError } from './http-error.ts';
import { quoteInput } from './quote-input.ts';
import { listOf, type Remote, schemeOf } from './remote.ts';
import type { RequestTarget } from './request-target.ts';
import { memoizeText } from './text-memo.ts';

/** The hosts and origins that are served. */
export interface HostPolicy {
  /** Host names, without ports. */
  readonly allowedHosts: readonly string[];
  /** Origins of other sites whose pages are served too. */
  readonly corsOrigins: readonly string[];
}

/** Whether the request is a health probe. Probes use any host name; the paths expose nothing private. */
export function isHealthProbe({ path, authority }: RequestTarget): boolean {
  return authority === undefined && (path === '/health' || path === '/ready');
}

/**
 * Throws an HttpError when the host is not served (421: DNS rebinding), the page's origin is not allowed (403), or the
 * end of the body is ambiguous (400, 501: request smuggling).
 */
export function guardRequest(request: IncomingMessage, policy: HostPolicy, target: RequestTarget): void {
  guardHost(request, policy, target);
  guardOrigin(request, policy);
  guardTransferEncoding(request);
}

function guardHost(request: IncomingMessage, { allowedHosts }: HostPolicy, target: RequestTarget): void {
  const { headers, rawHeaders, httpVersion } = request;
  const hostCount = countHosts(rawHeaders);
  const isProbe = isHealthProbe(target);
  const isOldProbe = isProbe && httpVersion === '1.0' && hostCount === 0; // HTTP/1.0 has no Host.
  if (hostCount !== 1 && !isOldProbe) {
    const problem = hostCount === 0 ? 'is missing' : `is sent ${hostCount} times`;
    throw new HttpError(400, `Host: ${problem}; expected exactly one, such as localhost:4000.`); // Node takes the first.
  }
  if (isProbe) return;
  const { host = '' } = headers;
  if (target.authority === undefined && allowedHosts.includes(hostNameOf(host))) return;
  const unknown = [host, target.authority ?? host].find((name) => !allowedHosts.includes(hostNameOf(name)));
  if (unknown !== undefined) {
    throw new HttpError(
      421,
      `Host: ${quoteInput(unknown)} is not allowed; expected localhost, a loopback address or a name in ALLOWED_HOSTS, such as gateway.example.`,
    );
  }
}

function guardOrigin(request: IncomingMessage, { allowedHosts, corsOrigins }: HostPolicy): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  const isOwn = allowedHosts.includes(hostNameOf(origin.replace(/^https?:\/\//, '')));
  if (isOwn || isOfOrigin(request, corsOrigins)) return;
  throw new HttpError(
    403,
    `Origin: ${quoteInput(origin)} is not allowed; expected a page of localhost, of a name in ALLOWED_HOSTS, or of an origin in CORS_ORIGINS, such as https://app.example.`,
  );
}

/**
 * Throws an HttpError (403) when a page of another origin opens a WebSocket: another scheme or port is another origin too.
 * Browsers neither send a preflight for a WebSocket nor keep the page from reading it. Clients that are no browsers send no
 * Origin.
 */
export function guardWebSocketOrigin(request: IncomingMessage, { corsOrigins }: HostPolicy, remote: Remote): void {
  const { origin } = request.headers;
  if (origin === undefined || isOfOrigin(request, corsOrigins)) return;
  const own = ownOrigin(request, remote);
  if (origin.toLowerCase() === own) return;
  throw new HttpError(
    403,
    `Origin: ${quoteInput(origin)} cannot open a WebSocket of ${quoteInput(own)}; expected that origin, or one in CORS_ORIGINS. A proxy has to pass on Host with its port, and X-Forwarded-Proto.`,
  );
}

/**
 * The origin under which browsers know the gateway. A proxy that changes scheme or host sends the original ones in
 * X-Forwarded-Proto and X-Forwarded-Host. Without TRUST_PROXY they need no trust: no page can set a header of a WebSocket.
 */
function ownOrigin({ headers }: IncomingMessage, remote: Remote): string {
  const isBelieved = remote.scheme === undefined || remote.isForwarded;
  const scheme = remote.scheme ?? schemeOf(listOf(headers['x-forwarded-proto'])[0]);
  const host = (isBelieved && listOf(headers['x-forwarded-host'])[0]) || headers.host;
  const url = `${scheme}://${host}`;
  return URL.canParse(url) ? new URL(url).origin : url; // Without a default port, as browsers send it.
}

// Proxies may not know other codings, or any coding in HTTP/1.0, and see the body end elsewhere.
function guardTransferEncoding({ headers, httpVersion }: IncomingMessage): void {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return;
  const close = { connection: 'close' };
  if (httpVersion === '1.0') {
    throw new HttpError(400, 'Transfer-Encoding: is not part of HTTP/1.0; expected Content-Length or HTTP/1.1.', close);
  }
  if (coding.toLowerCase() !== 'chunked') {
    const message = `Transfer-Encoding: ${quoteInput(coding)} is not supported; expected chunked.`;
    throw new HttpError(501, message, close);
  }
}

/**
 * Throws an HttpError (403) when a browser sends a GET for a page of another site without a preflight. Such requests, as of
 * an `<img>`, have no `Origin` but Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/).
 */
export function guardCrossSiteGet(request: IncomingMessage, corsOrigins: readonly string[]): void {
  const site = request.headers['sec-fetch-site'];
  if ((site === 'cross-site' || site === 'same-site') && !isOfOrigin(request, corsOrigins)) {
    throw new HttpError(
      403,
      `Sec-Fetch-Site: is ${site}; expected same-origin or none, or a page of an origin in CORS_ORIGINS, such as https://app.example.`,
    );
  }
}

// `rawHeaders` alternates names and values.
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count;
}

// `localhost:4000` -> `localhost`, `[::1]:4000` -> `[::1]`; a malformed host matches no name.
const hostNameOf = memoizeText((host) => host.toLowerCase().replace(/:\d{1,5}$/, ''));
