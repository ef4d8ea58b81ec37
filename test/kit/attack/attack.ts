import { expect, vi } from 'vitest';
import { startGateway } from '../../bench/rows.ts';
import { jobBody } from '../bodies/job.ts';
import { exchange } from '../client/raw-http.ts';
import { startUpstream } from '../gateway/upstream.ts';

/** How often an attack is made: all of a round at once, and the first round before anything is measured. */
export interface Force {
  /** By default up to four, until one has left nothing. */
  readonly rounds?: number;
  readonly atOnce?: number;
}

/** A gateway in a process of its own, before an upstream that has one job. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  /** Connections that it has open. */
  sockets(): Promise<number>;
  /**
   * Makes an attack again and again while somebody else asks for that job, one query after the other. Fails unless each
   * of these gets its data, and unless the attack leaves no memory and no connection behind; or as the attack does.
   */
  survives(attack: (turn: number) => Promise<unknown>, force?: Force): Promise<void>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** What is left behind grows with every round; what the process only settles into does not. */
const MAX_RISE = { used: 256 * KIB, resident: 8 * MIB };
const MAX_TOTAL_RISE = { used: 30 * MIB, resident: 150 * MIB };
const MAX_ROUNDS = 4;
const PATIENCE_MS = 20_000;

/** Nobody is answered from what is kept, and nothing that is kept counts as left behind. */
const FRESH = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0', LOG_LEVEL: 'warn' };
const OF_ANOTHER = JSON.stringify({ query: '{ fineTuningJob(id: "ftjob-1") { id status } }' });

export async function startTarget(settings: Record<string, string> = {}): Promise<Target> {
  const upstream = await startUpstream();
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  const gateway = await startGateway('gateway', upstream.baseUrl, { ...FRESH, ...settings }, ['--expose-gc']);

  async function expectAnswerForAnother(): Promise<void> {
    const [answer] = await exchange(gateway.url, postOf(OF_ANOTHER));
    expect(JSON.parse(answer?.body ?? '')).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
  }

  /** Somebody else asks until the attacks of a round are over, and once at least. */
  async function round(attacks: readonly Promise<unknown>[]): Promise<void> {
    let isOver = false;
    const over = Promise.all(attacks).finally(() => {
      isOver = true;
    });
    const others = async () => {
      do await expectAnswerForAnother();
      while (!isOver);
    };
    await Promise.all([over, others()]);
  }

  /** What it holds once its connections are gone. */
  async function memory() {
    await vi.waitFor(async () => expect(await gateway.sockets(), 'connections left').toBe(0), PATIENCE_MS);
    await gateway.memory('collect'); // Some of it is let go only when the rest has been collected.
    return await gateway.memory('collect');
  }

  return {
    url: gateway.url,
    sockets: gateway.sockets,
    async survives(attack, { rounds, atOnce = 6 } = {}) {
      const held: Awaited<ReturnType<typeof memory>>[] = [];
      for (let turn = 0; turn < (rounds ?? MAX_ROUNDS) * atOnce; turn += atOnce) {
        if (rounds === undefined && hasLeftNothing(held)) break;
        await round(Array.from({ length: atOnce }, (_, index) => attack(turn + index)));
        held.push(await memory());
      }
      for (const kind of ['used', 'resident'] as const) {
        const sizes = held.map((size) => size[kind]);
        const rises = sizes.slice(1).map((size, index) => size - (sizes[index] ?? 0));
        const told = `${kind} after each round: ${sizes.join(', ')}`;
        expect(Math.min(...rises), told).toBeLessThan(MAX_RISE[kind]);
        expect((sizes.at(-1) ?? 0) - (sizes[0] ?? 0), told).toBeLessThan(MAX_TOTAL_RISE[kind]);
      }
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

type Sizes = Readonly<Record<keyof typeof MAX_RISE, number>>;

/** Whether some round of each kind has left nothing: no further round can change the result then. */
function hasLeftNothing(sizes: readonly Sizes[]): boolean {
  const kinds = ['used', 'resident'] as const;
  return kinds.every((kind) =>
    sizes.slice(1).some((size, index) => size[kind] - (sizes[index]?.[kind] ?? 0) < MAX_RISE[kind]),
  );
}

/** The bytes of a request, the last one on its connection, with these headers before or in place of the usual. */
export function postOf(body: string, headers = 'Content-Type: application/json\r\n'): string {
  return `POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
