import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/**
 * Throws a Refusal when a request comes by a name that is not ours (421: DNS rebinding) or from a page that is not ours
 * (403). No CORS header is ever sent, so such a page could not read an answer either; this spares the work as well.
 */
export function guard({ headers, rawHeaders }: IncomingMessage, allowedHosts: readonly string[]): void {
  if (rawHeaders.filter(isHost).length > 1) throw new Refusal(400, 'Host: expected once.'); // Node takes the first.
  if (!allowedHosts.includes(hostNameOf(headers.host))) {
    throw new Refusal(421, 'Host: expected localhost, a loopback address or a name in ALLOWED_HOSTS.');
  }
  const { origin } = headers;
  if (origin !== undefined && !allowedHosts.includes(hostNameOf(origin.replace(/^https?:\/\//, '')))) {
    throw new Refusal(
      403,
      'Origin: expected a page of localhost, of a loopback address or of a name in ALLOWED_HOSTS.',
    );
  }
}

/**
 * Throws a Refusal when a browser asks on behalf of a page of another site, in a way that needs no preflight. `Origin`
 * is missing from what `<img>` and its like send; Sec-Fetch-Site is not (https://www.w3.org/TR/fetch-metadata/).
 */
export function guardQuery(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') {
    throw new Refusal(403, 'Sec-Fetch-Site: expected same-origin or none.');
  }
}

// Names and values take turns.
const isHost = (text: string, index: number) => index % 2 === 0 && text.toLowerCase() === 'host';

// `localhost:4000` -> `localhost`, `[::1]:4000` -> `[::1]`; anything odd matches no name.
function hostNameOf(host: string | undefined): string {
  return host?.toLowerCase().replace(/:\d{1,5}$/, '') ?? '';
}
