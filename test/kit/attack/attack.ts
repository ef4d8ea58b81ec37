import { expect, vi } from 'vitest';
import { startGateway } from '../../bench/rows.ts';
import { jobBody } from '../bodies/job.ts';
import { exchange } from '../client/raw-http.ts';
import { startUpstream } from '../gateway/upstream.ts';

/** How often an attack is repeated. The first round warms up the process; memory is compared from then on. */
export interface AttackOptions {
  /** By default up to four, until one has left nothing. */
  readonly rounds?: number;
  /** Attacks of one round, all at the same time. */
  readonly atOnce?: number;
}

/** A gateway in its own process, with an upstream that has one job. */
export interface AttackedGateway extends AsyncDisposable {
  readonly url: string;
  /** Number of its open connections. */
  connections(): Promise<number>;
  /**
   * Repeats an attack while another caller reads the job, one query after the other. Fails unless each of these queries gets
   * its data, and unless the attack leaves no memory and no connection behind. Rejects when the attack does.
   */
  withstands(attack: (turn: number) => Promise<unknown>, options?: AttackOptions): Promise<void>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** A leak grows in every round; the process's own growth does not. */
const MAX_RISE = { used: 256 * KIB, resident: 8 * MIB };
const MAX_TOTAL_RISE = { used: 30 * MIB, resident: 150 * MIB };
const MAX_ROUNDS = 4;
const TIMEOUT_MS = 20_000;

/** Without caches: they would serve the other caller, and count as a leak. */
const NO_CACHES = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0', LOG_LEVEL: 'warn' };
const OTHER_BODY = JSON.stringify({ query: '{ fineTuningJob(id: "ftjob-1") { id status } }' });

export async function startAttackedGateway(settings: Record<string, string> = {}): Promise<AttackedGateway> {
  const upstream = await startUpstream();
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  const gateway = await startGateway('gateway', upstream.baseUrl, { ...NO_CACHES, ...settings }, ['--expose-gc']);

  async function expectDataForOtherCaller(): Promise<void> {
    const [response] = await exchange(gateway.url, rawPost(OTHER_BODY));
    expect(JSON.parse(response?.body ?? '')).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
  }

  /** Sends queries of the other caller until all attacks of the round have ended; at least one. */
  async function runRound(attacks: readonly Promise<unknown>[]): Promise<void> {
    let isOver = false;
    const over = Promise.all(attacks).finally(() => {
      isOver = true;
    });
    const otherCaller = async () => {
      do await expectDataForOtherCaller();
      while (!isOver);
    };
    await Promise.all([over, otherCaller()]);
  }

  /** The memory after all connections are closed. */
  async function measureMemory() {
    await vi.waitFor(async () => expect(await gateway.sockets(), 'open connections').toBe(0), TIMEOUT_MS);
    await gateway.memory('collect'); // Twice: some objects are released only by the first collection.
    return await gateway.memory('collect');
  }

  return {
    url: gateway.url,
    connections: gateway.sockets,
    async withstands(attack, { rounds, atOnce = 6 } = {}) {
      const measured: Awaited<ReturnType<typeof measureMemory>>[] = [];
      for (let turn = 0; turn < (rounds ?? MAX_ROUNDS) * atOnce; turn += atOnce) {
        if (rounds === undefined && hasLeftNothing(measured)) break;
        await runRound(Array.from({ length: atOnce }, (_, index) => attack(turn + index)));
        measured.push(await measureMemory());
      }
      for (const kind of ['used', 'resident'] as const) {
        const sizes = measured.map((memory) => memory[kind]);
        const rises = sizes.slice(1).map((size, index) => size - (sizes[index] ?? 0));
        const message = `${kind} memory after each round: ${sizes.join(', ')}`;
        expect(Math.min(...rises), message).toBeLessThan(MAX_RISE[kind]);
        expect((sizes.at(-1) ?? 0) - (sizes[0] ?? 0), message).toBeLessThan(MAX_TOTAL_RISE[kind]);
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

/** The bytes of a POST that closes its connection, with these headers in the place of the Content-Type. */
export function rawPost(body: string, headers = 'Content-Type: application/json\r\n'): string {
  return `POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
