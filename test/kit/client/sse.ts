/** One event of an event stream; a comment has the event `:`. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

/** A stream of server-sent events, read as it comes: nothing is missed, and nothing waited for twice. */
export interface SseStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** The next event or comment; undefined at the end. */
  next(): Promise<SseEvent | undefined>;
  /** The next result, past comments; undefined when something else comes. */
  result(): Promise<unknown>;
  /** Leaves without a goodbye. */
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
  const leaving = new AbortController();
  const search = new URLSearchParams({ query: params.query, variables: JSON.stringify(params.variables ?? {}) });
  const response = await fetch(method === 'GET' ? `${url}?${search}` : url, {
    method,
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
    signal: leaving.signal,
    ...(method === 'POST' && { body: JSON.stringify(params) }),
  });
  const events = read(response);
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
    close: () => leaving.abort(),
    async [Symbol.asyncDispose]() {
      leaving.abort();
    },
  };
}

async function* read({ body }: Response): AsyncGenerator<SseEvent, void> {
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
  if (text !== '') throw new Error(`cut off: ${text}`);
}
