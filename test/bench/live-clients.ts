import { connect } from 'node:net';

// Many subscribers to the server at `URL` in one process, each with a connection of its own: bare sockets, which use little
// CPU time beside the measured server. There are `JOBS` jobs; each has the same number of subscribers.

/** A message of the bench. */
export interface ClientCommand {
  /** Number of further subscribers. The reply comes when each has received its first result. */
  readonly open?: number;
  /** Number of a change. The reply is its arrivals, when every subscriber has received it. */
  readonly change?: number;
}

/** By job: when its first and its last subscriber received a change, in milliseconds since the epoch. */
export type Arrivals = { readonly first: number; readonly last: number }[];

const QUERY = `subscription ($jobId: ID!) {
  fineTuningJobStatusChanged(jobId: $jobId) { status previousStatus observedAt job { id status seed } }
}`;
const AT_ONCE = 50;
/** The number of a change, with the next character, so that it is complete. */
const CHANGE = /"seed":(\d+)[,}]/g;
const MAX_MARK_LENGTH = 20;

const target = new URL(process.env['URL'] ?? '');
const jobs = Number(process.env['JOBS']);
/** By change and job. */
const arrivals: { first: number; last: number; count: number }[][] = [];
let opened = 0;
let onArrival = () => {};

process.on('message', (message: ClientCommand | string) => {
  if (typeof message === 'string') return; // For the meter.
  void run(message).then((reply) => process.send?.(reply));
});
process.channel?.ref(); // Keeps the process alive until it has connections.
process.stderr.write(`${target}\n`); // It is ready.

async function run({ open = 0, change = 0 }: ClientCommand): Promise<unknown> {
  let remaining = open;
  const openNext = async () => {
    while (remaining-- > 0) await subscribe(opened++ % jobs);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openNext));
  const isComplete = () => (arrivals[change] ?? []).reduce((sum, { count }) => sum + count, 0) === opened;
  while (open === 0 && !isComplete()) {
    await new Promise<void>((resolve) => {
      onArrival = resolve;
    });
  }
  return open > 0 ? opened : (arrivals[change] satisfies Arrivals | undefined);
}

/** Resolves at the first result. */
function subscribe(job: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    socket.setEncoding('latin1').write(requestFor(`ftjob-${job}`), 'latin1');
    let rest = '';
    socket.on('data', (chunk: string) => {
      rest += chunk;
      const matches = [...rest.matchAll(CHANGE)];
      if (matches.length === 0 && !rest.startsWith('HTTP/1.1 200')) return;
      rest = rest.slice(-MAX_MARK_LENGTH);
      for (const [, change] of matches) arrived(Number(change), job);
      if (matches.length > 0) rest = rest.slice(rest.lastIndexOf('"') + 1);
      if (matches.length > 0) resolve();
    });
    socket.on('close', () => fail('A subscriber was disconnected.')).on('error', ({ message }) => fail(message));
  });
}

function arrived(change: number, job: number): void {
  const now = Date.now();
  arrivals[change] ??= Array.from({ length: jobs }, () => ({ first: now, last: now, count: 0 }));
  const entry = arrivals[change][job];
  if (!entry) return;
  if (entry.count++ === 0) entry.first = now;
  entry.last = now;
  onArrival();
}

function requestFor(jobId: string): string {
  const body = JSON.stringify({ query: QUERY, variables: { jobId } });
  const head = [
    `POST ${target.pathname} HTTP/1.1`,
    `Host: ${target.host}`,
    'Accept: text/event-stream',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
