import { connect } from 'node:net';

// Very many subscribers in one process, each on a connection of its own: bare sockets, so that reading costs little beside
// what is measured. Its target is where `URL` says; the jobs are `JOBS` many, and each has as many subscribers as any other.

/** What the bench tells it. */
export interface ClientOrders {
  /** So many more subscribe. Answered when each has got its first result. */
  readonly open?: number;
  /** Answered with the arrivals of this change, when every subscriber has got it. */
  readonly change?: number;
}

/** By job: when the first and the last of its subscribers got a change, in milliseconds since the epoch. */
export type Arrivals = { readonly first: number; readonly last: number }[];

const QUERY = `subscription ($jobId: ID!) {
  fineTuningJobStatusChanged(jobId: $jobId) { status previousStatus observedAt job { id status seed } }
}`;
const AT_ONCE = 50;
/** The number of the change, with what follows it, lest it be cut. */
const CHANGE = /"seed":(\d+)[,}]/g;
const MAX_MARK_LENGTH = 20;

const target = new URL(process.env['URL'] ?? '');
const jobs = Number(process.env['JOBS']);
/** By change and job. */
const arrivals: { first: number; last: number; count: number }[][] = [];
let opened = 0;
let onArrival = () => {};

process.on('message', (message: ClientOrders | string) => {
  if (typeof message === 'string') return; // For the meter.
  void obey(message).then((reply) => process.send?.(reply));
});
process.channel?.ref(); // Nothing else keeps it alive until it is connected.
process.stderr.write(`${target}\n`); // It is ready.

async function obey({ open = 0, change = 0 }: ClientOrders): Promise<unknown> {
  let left = open;
  const openOn = async () => {
    while (left-- > 0) await subscribe(opened++ % jobs);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openOn));
  const isThere = () => (arrivals[change] ?? []).reduce((sum, { count }) => sum + count, 0) === opened;
  while (open === 0 && !isThere()) {
    await new Promise<void>((resolve) => {
      onArrival = resolve;
    });
  }
  return open > 0 ? opened : (arrivals[change] satisfies Arrivals | undefined);
}

/** Resolves with the first result. */
function subscribe(job: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    socket.setEncoding('latin1').write(requestFor(`ftjob-${job}`), 'latin1');
    let rest = '';
    socket.on('data', (chunk: string) => {
      rest += chunk;
      const found = [...rest.matchAll(CHANGE)];
      if (found.length === 0 && !rest.startsWith('HTTP/1.1 200')) return;
      rest = rest.slice(-MAX_MARK_LENGTH);
      for (const [, change] of found) arrived(Number(change), job);
      if (found.length > 0) rest = rest.slice(rest.lastIndexOf('"') + 1);
      if (found.length > 0) resolve();
    });
    socket.on('close', () => fail('A subscriber was cut off.')).on('error', ({ message }) => fail(message));
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
