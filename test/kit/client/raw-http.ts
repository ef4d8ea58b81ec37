import { connect } from 'node:net';

/** A bare connection: what is written goes out as it is. */
export interface Wire extends AsyncDisposable {
  write(...parts: readonly (string | Uint8Array)[]): void;
  /** Resolves once little of what was written still waits to go out, or the connection is closed. */
  drained(): Promise<void>;
  /** Says that no more will come. */
  end(): void;
  /** Takes nothing more from the other side. */
  pause(): void;
  /** Takes what comes again. */
  resume(): void;
  /** Resolves with the match once what came back has one; rejects when the connection closes without. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Everything that came back, once the connection is closed. */
  readonly closed: Promise<string>;
}

export async function openWire(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: false });
  let text = '';
  let heard = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    heard.resolve();
    heard = Promise.withResolvers();
  });
  const closed = new Promise<string>((resolve) => {
    socket.on('error', () => {}); // A reset is an end as well.
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
    async said(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        const outcome = await Promise.race([heard.promise, closed.then(() => 'closed')]);
        if (outcome === 'closed' && !pattern.test(text)) throw new Error(`closed after: ${text}`);
      }
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}

/** One answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Splits what came back into its answers. Fails when it is anything else; bodies must have their length announced. */
export function answersIn(text: string): WireAnswer[] {
  const answers: WireAnswer[] = [];
  for (let rest = text; rest !== ''; ) {
    const [head = '', line, status, fields = ''] =
      /^(HTTP\/1\.1 (\d{3}) [^\r\n]*)\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest) ?? [];
    if (line === undefined) throw new Error(`not an answer: ${rest}`);
    const pairs = fields.split('\r\n').map((field) => field.split(': '));
    const headers = Object.fromEntries(pairs.map(([name = '', ...value]) => [name.toLowerCase(), value.join(': ')]));
    const end = head.length + Number(headers['content-length'] ?? 0);
    answers.push({ status: Number(status), headers, body: rest.slice(head.length, end) });
    rest = rest.slice(end);
  }
  return answers;
}

/** Sends these bytes, and gives the answers until the other side closes the connection. */
export async function exchange(url: string, ...parts: readonly (string | Uint8Array)[]): Promise<WireAnswer[]> {
  await using wire = await openWire(url);
  wire.write(...parts);
  return answersIn(await wire.closed);
}
