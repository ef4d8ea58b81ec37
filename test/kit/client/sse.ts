/** One event of an event stream. A comment has the name `:`. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

/** A stream of server-sent events, which are read one by one. */
export interface SseStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** Resolves to the next event or comment, or to undefined at the end. */
  next(): Promise<SseEvent | undefined>;
  /** Resolves to the next result, without comments; undefined for any other event. */
  result(): Promise<unknown>;
  /** Aborts the request. */
  close(): void;
}

export interface SseRequest {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
}

export async function openSse(
  url: string,
  params: SseRequest,
  headers: Record<string, string> = {},
  method: 'POST' | 'GET' = 'POST',
): Promise<SseStream> {
  const abort = new AbortController();
  const search = new URLSearchParams({ query: params.query, variables: JSON.stringify(params.variables ?? {}) });
  const response = await fetch(method === 'GET' ? `${url}?${search}` : url, {
    method,
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
    signal: abort.signal,
    ...(method === 'POST' && { body: JSON.stringify(params) }),
  });
  const events = readEvents(response);
  const next = async () => {
    const { value, done } = await events.next();
    return done ? undefined : value;
  };
  return {
    status: response.status,
    headers: response.headers,
    next,
    async result() {
      let event = await next();
      while (event?.event === ':') event = await next();
      return event?.event === 'next' ? JSON.parse(event.data) : undefined;
    },
    close: () => abort.abort(),
    async [Symbol.asyncDispose]() {
      abort.abort();
    },
  };
}

async function* readEvents({ body }: Response): AsyncGenerator<SseEvent, void> {
  let text = '';
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines
          .find((line) => line.startsWith(name))
          ?.slice(name.length)
          .trim();
      yield { event: lines[0] === ':' ? ':' : (field('event:') ?? 'message'), data: field('data:') ?? '' };
    }
  }
  if (text !== '') throw new Error(`the stream ended within an event: ${text}`);
}
