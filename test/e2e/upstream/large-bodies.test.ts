import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { createCounter } from '../../kit/counter.ts';
import type { Answer } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { startScript, type TestProcess } from '../../kit/process/process.ts';
import { until } from '../../kit/until.ts';

const MIB = 1024 * 1024;
const IDS = Array.from({ length: 8 }, (_, index) => `ftjob-${index}`);

/** Sends the body without announcing its length. */
const sending = (body: Buffer) => (_: IncomingMessage, response: ServerResponse) => {
  response.on('error', () => {}); // The other side hangs up.
  response.write(body);
  response.end();
};

/** A body of a right job that takes 32 MiB, filled up by what `unit` repeats. */
function fullBody(id: string, open: string, unit: string, close: string): Buffer {
  const job = JSON.stringify(jobBody({ id })).slice(0, -1);
  const body = Buffer.alloc(32 * MIB, ' ');
  const room = body.length - job.length - 100 - close.length;
  body.write(`${job},"extra":${open}`);
  const filled = Buffer.byteLength(`${job},"extra":${open}`);
  const count = Math.floor(room / unit.length);
  body.write(unit.repeat(count), filled);
  body.write(`${close}}`, filled + count * unit.length);
  return body;
}

/** What a gateway in a process of its own answers to eight jobs and a file at once, and the most memory it took, in MiB. */
async function askAll(upstream: ScriptedUpstream) {
  upstream.onFile(fileBody('file-1'));
  await using gateway: TestProcess = startScript('src/main.ts', [], {
    PORT: '0',
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: 'test-key-of-nobody',
    UPSTREAM_RETRIES: '0',
    UPSTREAM_TIMEOUT_MS: '120000',
  });
  const [, url = ''] = await gateway.said(/answers on (http:\S+\/graphql)/);
  const jobs = IDS.map((id, index) => `j${index}: fineTuningJob(id: "${id}") { id }`).join(' ');
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ ${jobs} file(id: "file-1") { id } }` }),
  });
  const answer = (await response.json()) as Answer; // The form of every GraphQL answer.
  return { ...answer, mostMib: mostMemory(gateway.pid) };
}

function mostMemory(pid: number): number {
  const [, kib = ''] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

// Only Linux tells what another process has taken.
describe.skipIf(process.platform !== 'linux')('eight bodies of 32 MiB at once', () => {
  it.each([
    ['objects', '[', '{},', '0]'],
    ['arrays', '', '[', ''],
  ])(
    'are refused when they are small %s, in less than 400 MiB, and their sibling is answered',
    async (_, ...parts) => {
      await using upstream = await startUpstream();
      const script = sending(fullBody('ftjob-0', ...parts));
      for (const id of IDS) upstream.on(`/fine_tuning/jobs/${id}`, script);
      const { data, errors, mostMib } = await askAll(upstream);
      expect(data?.['file']).toEqual({ id: 'file-1' });
      expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(IDS.map(() => 'UPSTREAM_INVALID_RESPONSE'));
      expect(mostMib).toBeLessThan(400);
    },
    120_000,
  );

  it('are all answered in less than 800 MiB when they are long texts', async () => {
    await using upstream = await startUpstream();
    for (const id of IDS) {
      const body = fullBody(id, '"', 'Nothing, that is: [all] {is} well. ', '"');
      upstream.on(`/fine_tuning/jobs/${id}`, sending(body));
    }
    const { data, errors, mostMib } = await askAll(upstream);
    expect(errors).toBeUndefined();
    expect(Object.values(data ?? {})).toEqual([...IDS, 'file-1'].map((id) => ({ id })));
    expect(mostMib).toBeLessThan(800);
  }, 120_000);
});

describe('more large bodies than are read at once', () => {
  const QUERY = `{ ${IDS.map((id, index) => `j${index}: fineTuningJob(id: "${id}") { id }`).join(' ')} }`;
  const MAX_CONCURRENT = 4;

  /** Scripts each job to send all of its body but the end, and tells of those that were taken so far. */
  function holdBack({ upstream }: World) {
    const taken: ServerResponse[] = [];
    const arrivals = createCounter();
    const text = Buffer.alloc(24 * MIB, 'x');
    for (const id of IDS) {
      upstream.on(`/fine_tuning/jobs/${id}`, (_: unknown, response: ServerResponse) => {
        response.on('error', () => {}); // The other side hangs up.
        response.write(`${JSON.stringify(jobBody({ id })).slice(0, -1)},"extra":"`);
        response.write(text, (error) => {
          if (error) return;
          taken.push(response);
          arrivals.count();
        });
      });
    }
    return { taken, arrived: arrivals.reached };
  }

  /** Small questions in the meantime: they are answered, and give the others time enough to go wrong. */
  async function askSmall(world: World): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      world.upstream.onFile(fileBody(`file-${turn}`));
      expect(await world.ask(`{ file(id: "file-${turn}") { id } }`)).toEqual({ file: { id: `file-${turn}` } });
    }
  }

  it('wait for their turn while small ones pass, and all are answered', async () => {
    await using world = await startWorld();
    const { taken, arrived } = holdBack(world);
    const pending = world.ask(QUERY);
    await arrived(MAX_CONCURRENT);
    await askSmall(world);
    expect(taken).toHaveLength(MAX_CONCURRENT);
    for (let count = MAX_CONCURRENT; count <= IDS.length; count++) {
      await arrived(count);
      taken[count - MAX_CONCURRENT]?.end('"}');
    }
    for (const response of taken.slice(1 - MAX_CONCURRENT)) response.end('"}');
    expect(Object.values(await pending)).toEqual(IDS.map((id) => ({ id })));
  });

  it('fail at the deadline, and leave their places to others', async () => {
    await using world = await startWorld();
    const { taken, arrived } = holdBack(world);
    const pending = world.gateway.query(QUERY);
    await arrived(MAX_CONCURRENT);
    await askSmall(world);
    world.clock.advance(30_000);
    const { errors } = await pending;
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(IDS.map(() => 'UPSTREAM_TIMEOUT'));
    taken.length = 0;
    world.clock.advance(60_000); // So that the breaker lets one through.
    const next = world.ask('{ fineTuningJob(id: "ftjob-0") { id } }');
    await until(() => taken.length > 0);
    taken[0]?.end('"}');
    expect(await next).toEqual({ fineTuningJob: { id: 'ftjob-0' } });
  });
});

describe('a large body', () => {
  async function answering(target: string, body: unknown, query: string): Promise<Record<string, unknown>> {
    await using world: World = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.on(target, body);
    expect(JSON.stringify(body).length).toBeGreaterThan(MIB);
    return await world.ask(query);
  }
  const list = (count: number, body: (id: string) => unknown) => ({
    data: Array.from({ length: count }, (_, index) => body(`id-${index}`)),
    has_more: false,
  });
  const scores = Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`valid_reward_${index}`, index / 3]));
  const metadata = Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [`${index}`.padEnd(64, 'k'), '{,'.repeat(256)]),
  );
  const TO_100 = 'edges { node { id } }';

  it.each<[string, string, unknown, string]>([
    [
      'of 100 jobs with all the metadata they can have',
      '/fine_tuning/jobs',
      list(100, (id) => jobBody({ id, metadata, integrations: [{ type: 'x', notes: 'n'.repeat(2000) }] })),
      `list: fineTuningJobs(first: 100) { ${TO_100} }`,
    ],
    ['of 10,000 files', '/files', list(10_000, (id) => fileBody(id)), `list: files(first: 100) { ${TO_100} }`],
    [
      'of 10,000 models',
      '/models',
      list(10_000, (id) => modelBody(`${id}-of-many-models`)),
      `list: models(first: 100) { ${TO_100} }`,
    ],
    [
      'of 100 events of reinforcement',
      '/fine_tuning/jobs/ftjob-1/events',
      list(100, (id) => eventBody(id, { data: { scores } })),
      `job: fineTuningJob(id: "ftjob-1") { list: events(first: 100) { ${TO_100} } }`,
    ],
  ])('%s is read', async (_, target, body, query) => {
    const { list, job } = await answering(target, body, `{ ${query} }`);
    const { edges } = (list ?? (job as { list: unknown }).list) as { edges: unknown[] }; // As the query asks for it.
    expect(edges).toHaveLength(100);
  });
});
