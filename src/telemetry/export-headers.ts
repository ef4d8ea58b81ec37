import { validateHeaderName, validateHeaderValue } from 'node:http';

/** The headers of the requests to the collector, by their names. */
export type ExportHeaders = Readonly<Record<string, string>>;

const PAIRS = /^[^=,\s]+=[^,\s]*(,[^=,\s]+=[^,\s]*)*$/;

/** Parses `name=value` pairs, separated by commas, with percent-encoded values. A problem is what was expected. */
export function parseExportHeaders(text: string): { readonly headers: ExportHeaders } | { readonly problem: string } {
  if (!PAIRS.test(text)) return { problem: 'expected headers as name=value, separated by commas' };
  try {
    return { headers: Object.fromEntries(text.split(',').map(parsePair)) };
  } catch (error) {
    return { problem: error instanceof URIError ? 'expected percent-encoded values' : 'expected valid HTTP headers' };
  }
}

/** Throws URIError for a value that is not percent-encoded UTF-8, and Node's error for an invalid header. */
function parsePair(pair: string): readonly [string, string] {
  const [name = '', ...rest] = pair.split('=');
  const value = decodeURIComponent(rest.join('='));
  validateHeaderName(name);
  validateHeaderValue(name, value);
  return [name, value];
}

/** The secrets in the headers, for redaction: each value, also without its scheme, such as `Bearer`. */
export const secretsOfHeaders = (headers: ExportHeaders): string[] =>
  Object.values(headers).flatMap((value) => [value, value.replace(/^\S+ +/, '')]);
