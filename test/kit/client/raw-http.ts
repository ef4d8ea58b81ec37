import { connect } from 'node:net';

/** A TCP connection that sends bytes as they are. */
export interface RawConnection extends AsyncDisposable {
  write(...parts: readonly (string | Uint8Array)[]): void;
  /** Resolves when the write buffer is below its limit, or the connection is closed. */
  drained(): Promise<void>;
  /** Ends the writing side. */
  end(): void;
  /** Stops reading. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Resolves to the match once the received text has one. Rejects when the connection closes before. */
  receivedMatch(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves to the received text when the connection is closed. */
  readonly closed: Promise<string>;
}

/** With `allowHalfOpen` it can still write after the server has ended its side. */
export async function openRawConnection(url: string, { allowHalfOpen = false } = {}): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen });
  let text = '';
  let received = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    received.resolve();
    received = Promise.withResolvers();
  });
  const closed = new Promise<string>((resolve) => {
    socket.on('error', () => {}); // A reset closes the socket too.
    socket.on('close', () => resolve(text));
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return {
    write(...parts) {
      for (const part of parts) if (socket.writable) socket.write(part, 'latin1');
    },
    async drained() {
      if (!socket.writableNeedDrain) return;
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    },
    end: () => void socket.end(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    closed,
    async receivedMatch(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        const outcome = await Promise.race([received.promise, closed.then(() => 'closed')]);
        if (outcome === 'closed' && !pattern.test(text)) throw new Error(`closed after: ${text}`);
      }
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}

/** One HTTP response. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Splits received text into responses. Throws for anything else; each body needs a Content-Length. */
export function parseResponses(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let rest = text; rest !== ''; ) {
    const [head = '', line, status, fields = ''] =
      /^(HTTP\/1\.1 (\d{3}) [^\r\n]*)\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest) ?? [];
    if (line === undefined) throw new Error(`not a response: ${rest}`);
    const pairs = fields.split('\r\n').map((field) => field.split(': '));
    const headers = Object.fromEntries(pairs.map(([name = '', ...value]) => [name.toLowerCase(), value.join(': ')]));
    const end = head.length + Number(headers['content-length'] ?? 0);
    responses.push({ status: Number(status), headers, body: rest.slice(head.length, end) });
    rest = rest.slice(end);
  }
  return responses;
}

/** Sends these bytes. Resolves to the responses when the server closes the connection. */
export async function exchange(url: string, ...parts: readonly (string | Uint8Array)[]): Promise<RawResponse[]> {
  await using connection = await openRawConnection(url);
  connection.write(...parts);
  return parseResponses(await connection.closed);
}
