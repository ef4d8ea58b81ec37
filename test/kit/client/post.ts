/** What came back from a GraphQL server. */
export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
    readonly extensions?: Record<string, unknown>;
  };
}

/** Sends a body of parameters, or a text in place of one, and gives the whole answer. */
export async function post(
  url: string,
  params: object | string,
  headers: Record<string, string> = {},
): Promise<Posted> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof params === 'string' ? params : JSON.stringify(params),
  });
  const body = (await response.json()) as Posted['body']; // The form of every GraphQL answer.
  return { status: response.status, headers: response.headers, body };
}
