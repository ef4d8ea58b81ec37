import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, generateToken } from '../../../src/server/auth/token.ts';
import type { GraphqlResponse } from '../gateway/gateway.ts';
import { assertNoSecrets } from '../secrets.ts';
import { makeFolder } from './folder.ts';

/** The line of a token in the token file. */
export const tokenLine = (name: string, role: string, token = generateToken()) =>
  `${name} ${role} ${digestOf(token).toString('hex')}\n`;

/** A token file with a token for each of these names, until the end of the test. */
export function tokenFile<N extends string>(roles: Readonly<Record<N, string>>) {
  const tokens = Object.fromEntries(Object.keys(roles).map((name) => [name, generateToken()])) as Record<N, string>; // By the same names.
  const lines = Object.entries<string>(roles).map(([name, role]) => tokenLine(name, role, tokens[name as N])); // One of the names.
  const file = join(makeFolder({ tokens: lines.join('') }), 'tokens');
  return { file, tokens, write: (...changed: string[]) => writeFileSync(file, changed.join('')) };
}

export interface BearerResponse extends GraphqlResponse {
  status: number;
  headers: Headers;
}

/** Sends a query by POST or GET with this Authorization header, or without one. */
export async function askAs(
  url: string,
  authorization: string | null,
  query: string,
  method: 'POST' | 'GET' = 'POST',
  variables: Record<string, unknown> = {},
): Promise<BearerResponse> {
  const headers = { 'content-type': 'application/json', ...(authorization !== null && { authorization }) };
  const response = await (method === 'POST'
    ? fetch(url, { method, headers, body: JSON.stringify({ query, variables }) })
    : fetch(`${url}?${new URLSearchParams({ query })}`, { headers }));
  const text = await response.text();
  assertNoSecrets(authorization?.split(' ') ?? [], [text, ...response.headers.values()]);
  return { status: response.status, headers: response.headers, ...(JSON.parse(text) as GraphqlResponse) }; // The shape of every GraphQL response.
}
