/** The response of a GraphQL server. */
export interface PostResult {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
    readonly extensions?: Record<string, unknown>;
  };
}

/** Sends parameters as JSON, or a text as it is. */
export async function post(
  url: string,
  params: object | string,
  headers: Record<string, string> = {},
): Promise<PostResult> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof params === 'string' ? params : JSON.stringify(params),
  });
  const body = (await response.json()) as PostResult['body']; // The format of every GraphQL response.
  return { status: response.status, headers: response.headers, body };
}
