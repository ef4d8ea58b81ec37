/** GETs JSON from the stub. */
export async function askRest<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: answered ${response.status}.`);
  return (await response.json()) as T; // The stub is ours.
}

/** The body of a request for GraphQL. */
export function toQuestion(query: string, variables: object): string {
  return JSON.stringify({ query, variables });
}

/** POSTs a question and gives the text of the answer, whatever it is. */
export async function askGraph(url: string, question: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: question });
  return await response.text();
}
