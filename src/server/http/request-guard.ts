import type { IncomingMessage } from 'node:http';
import { isOfOrigin } from './cors.ts';
import { HttpError } from './http-error.ts';
import type { RequestTarget } from './request-target.ts';

/** Whom the front answers. */
export interface HostPolicy {
  /** Host names, without ports. */
  readonly allowedHosts: readonly string[];
  /** Origins of pages beside those. */
  readonly corsOrigins: readonly string[];
}

/** Whether a target is one that probes ask for, by whatever address they have found: nothing private stands there. */
export function isHealthProbe({ path, authority }: RequestTarget): boolean {
  return authority === undefined && (path === '/health' || path === '/ready');
}

/**
 * Throws a Refusal when a request comes by a name that is not ours (421: DNS rebinding), from a page that is not ours
 * (403), or in a form that others could take to end elsewhere (400, 501: request smuggling).
 */
export function guardRequest(
  request: IncomingMessage,
  { allowedHosts, corsOrigins }: HostPolicy,
  target: RequestTarget,
): void {
  const { headers, rawHeaders, httpVersion } = request;
  const hosts = rawHeaders.filter(isHost).length;
  const isProbe = isHealthProbe(target);
  const isOldProbe = isProbe && httpVersion === '1.0' && hosts === 0; // Which has no Host.
  if (hosts !== 1 && !isOldProbe) throw new HttpError(400, 'Host: expected once.'); // Node takes the first.
  const names = [headers.host, target.authority ?? headers.host].map(hostNameOf);
  if (!isProbe && !names.every((name) => allowedHosts.includes(name))) {
    throw new HttpError(421, 'Host: expected localhost, a loopback address or a name in ALLOWED_HOSTS.');
  }
  const { origin } = headers;
  const isOurs = origin === undefined || allowedHosts.includes(hostNameOf(origin.replace(/^https?:\/\//, '')));
  if (!isOurs && !isOfOrigin(request, corsOrigins)) {
    throw new HttpError(
      403,
      'Origin: expected a page of localhost, of a loopback address, of a name in ALLOWED_HOSTS or in CORS_ORIGINS.',
    );
  }
  guardCoding(request);
}

// Others on the way may know another coding, or none in HTTP/1.0, and take the body to end elsewhere.
function guardCoding({ headers, httpVersion }: IncomingMessage): void {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return;
  const close = { connection: 'close' };
  if (httpVersion === '1.0') throw new HttpError(400, 'Transfer-Encoding: expected HTTP/1.1.', close);
  if (coding.toLowerCase() !== 'chunked') throw new HttpError(501, 'Transfer-Encoding: expected chunked.', close);
}

/**
 * Throws a Refusal when a browser asks on behalf of a page of another site, in a way that needs no preflight. `Origin`
 * is missing from what `<img>` and its like send; Sec-Fetch-Site is not (https://www.w3.org/TR/fetch-metadata/).
 */
export function guardQuery(request: IncomingMessage, corsOrigins: readonly string[]): void {
  const site = request.headers['sec-fetch-site'];
  if ((site === 'cross-site' || site === 'same-site') && !isOfOrigin(request, corsOrigins)) {
    throw new HttpError(403, 'Sec-Fetch-Site: expected same-origin or none.');
  }
}

// Names and values take turns.
const isHost = (text: string, index: number) => index % 2 === 0 && text.toLowerCase() === 'host';

// `localhost:4000` -> `localhost`, `[::1]:4000` -> `[::1]`; anything odd matches no name.
function hostNameOf(host: string | undefined): string {
  return host?.toLowerCase().replace(/:\d{1,5}$/, '') ?? '';
}
