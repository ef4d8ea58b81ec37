import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

const SUBSCRIBERS = 1000;
const AT_ONCE = 50;
const QUERY = 'subscription($id: ID!) { fineTuningJobStatusChanged(jobId: $id) { status job { id seed } } }';
/** One result within one chunk. */
const CHUNK = /([0-9a-f]+)\r\nevent: next\ndata: (.*)\n\n\r\n/g;

interface Result {
  readonly data: {
    readonly fineTuningJobStatusChanged: { readonly job: { readonly id: string; readonly seed: number } };
  };
}

/** Jobs whose statuses change when the test says so, and subscribers of each on connections of their own. */
class Scene implements AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly gateway: TestGateway;
  readonly jobIds: readonly string[];
  readonly connections: RawConnection[] = [];
  #change = 0;

  constructor(upstream: ScriptedUpstream, gateway: TestGateway, jobs: number) {
    this.upstream = upstream;
    this.gateway = gateway;
    this.jobIds = Array.from({ length: jobs }, (_, index) => `ftjob-${index}`);
  }

  async subscribe(): Promise<void> {
    let next = 0;
    const openNext = async () => {
      while (next < SUBSCRIBERS) {
        const index = next++;
        this.connections[index] = await openStream(this.gateway.url, this.jobOf(index));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, openNext));
  }

  jobOf(subscriber: number): string {
    return this.jobIds[subscriber % this.jobIds.length] ?? '';
  }

  /** Changes all jobs; resolves when the gateway has observed it, and has not delivered it to all. */
  async change(): Promise<void> {
    this.showJobs(++this.#change);
    await this.gateway.query('{ fineTuningJobs(first: 100) { edges { cursor } } }');
  }

  showJobs(seed: number): void {
    const status = seed % 2 === 0 ? 'running' : 'queued';
    this.upstream.onJobs(this.jobIds.map((id) => jobBody({ id, status, seed })));
    for (const id of this.jobIds) this.upstream.onJob(jobBody({ id, status, seed }));
  }

  async received(seed: number, connections = this.connections): Promise<void> {
    await Promise.all(connections.map((connection) => connection.receivedMatch(new RegExp(`"seed":${seed}\\}`))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection[Symbol.asyncDispose]()));
    await this.gateway[Symbol.asyncDispose]();
    await this.upstream[Symbol.asyncDispose]();
  }
}

async function openScene(jobs: number): Promise<Scene> {
  const upstream = await startUpstream();
  const settings = {
    OPENAI_BASE_URL: upstream.baseUrl,
    CACHE_ACTIVE_MS: '0',
    POLL_INTERVAL_MS: '3600000',
    RATE_LIMIT_PER_MINUTE: '0',
    MAX_SUBSCRIPTIONS_PER_CALLER: String(SUBSCRIBERS),
    LOG_LEVEL: 'warn',
  };
  const scene = new Scene(upstream, await startGateway(settings), jobs);
  scene.showJobs(0);
  await scene.subscribe();
  return scene;
}

async function openStream(url: string, id: string): Promise<RawConnection> {
  const connection = await openRawConnection(url);
  const body = JSON.stringify({ query: QUERY, variables: { id } });
  connection.write(
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n',
    `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  await connection.receivedMatch(/"seed":0\}/);
  return connection;
}

/** The jobs of all results. Throws when a chunk has another length than its header says. */
async function jobsOf(connection: RawConnection): Promise<{ id: string; seed: number }[]> {
  const { input } = await connection.receivedMatch(/^/);
  return [...input.matchAll(CHUNK)].map(([, size = '', json = '']) => {
    expect(Number.parseInt(size, 16)).toBe(`event: next\ndata: ${json}\n\n`.length);
    return (JSON.parse(json) as Result).data.fineTuningJobStatusChanged.job;
  });
}

describe(`${SUBSCRIBERS} subscribers`, () => {
  it.each([1, 100])(
    'of %i jobs get each change of their job exactly once, in order, while others leave during a delivery',
    async (jobs) => {
      await using scene = await openScene(jobs);
      for (let seed = 1; seed <= 3; seed++) {
        await scene.change();
        await scene.received(seed);
      }
      await scene.change();
      const leavers = scene.connections.filter((_, index) => index % 3 === 0);
      const stayers = scene.connections.filter((_, index) => index % 3 !== 0);
      await Promise.all(leavers.map((connection) => connection[Symbol.asyncDispose]()));
      await scene.received(4, stayers);
      await scene.change();
      await scene.received(5, stayers);
      for (const [index, connection] of scene.connections.entries()) {
        if (index % 3 === 0) continue;
        const id = scene.jobOf(index);
        expect(await jobsOf(connection)).toEqual([0, 1, 2, 3, 4, 5].map((seed) => ({ id, seed })));
      }
      await until(() => scene.gateway.load().streams === stayers.length);
      expect(scene.gateway.load()).toMatchObject({ groups: jobs, watched: jobs });
    },
    120_000,
  );

  it('get whole results or nothing, and no end, when the gateway stops during a delivery', async () => {
    await using scene = await openScene(1);
    await scene.change();
    const stopped = scene.gateway[Symbol.asyncDispose]();
    const texts = await Promise.all(scene.connections.map(({ closed }) => closed));
    await stopped;
    for (const text of texts) {
      expect(text).toMatch(/\n\n\r\n$/);
      expect(text).not.toContain('event: complete');
      const whole = [...text.matchAll(CHUNK)].map(([, , json = '']) => (JSON.parse(json) as Result).data);
      const seeds = whole.map(({ fineTuningJobStatusChanged }) => fineTuningJobStatusChanged.job.seed);
      expect(seeds).toEqual([0, 1].slice(0, seeds.length));
      expect(text.match(/event: next/g)).toHaveLength(seeds.length);
    }
    await until(() => scene.gateway.load().streams === 0 && scene.gateway.load().groups === 0);
  }, 120_000);
});
