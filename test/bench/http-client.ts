/** Gets JSON from the stub. */
export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: got status ${response.status}, expected 200.`);
  return (await response.json()) as T; // Of our own stub.
}

/** The body of a GraphQL request. */
export function toRequestBody(query: string, variables: object): string {
  return JSON.stringify({ query, variables });
}

/** Posts the body of a GraphQL request. Resolves to the text of the response, whatever its status. */
export async function postGraphql(url: string, requestBody: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: requestBody });
  return await response.text();
}
