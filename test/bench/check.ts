import { isDeepStrictEqual } from 'node:util';
import { postGraphql } from './http-client.ts';
import type { QuerySet } from './query-set.ts';

/** Bodies of requests with the text of their responses. */
export type CheckedResponses = readonly (readonly [body: string, response: string])[];

/** Sends every query once. Rejects when the data of a response is wrong. */
export async function checkResponses(
  row: { name: string; url: string },
  { queries }: Pick<QuerySet, 'queries'>,
): Promise<CheckedResponses> {
  const responses: [string, string][] = [];
  for (const { body, data } of queries) {
    const response = await postGraphql(row.url, body);
    if (!hasData(response, data)) {
      throw new Error(`${row.name} returned wrong data.
  request:  ${body}
  response: ${response.slice(0, 1_000)}
  expected: ${JSON.stringify({ data }).slice(0, 1_000)}`);
    }
    responses.push([body, response]);
  }
  return responses;
}

function hasData(response: string, data: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(response), { data });
  } catch {
    return false; // Not JSON.
  }
}
