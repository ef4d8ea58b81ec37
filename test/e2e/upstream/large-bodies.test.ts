import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { createCounter } from '../../kit/counter.ts';
import type { GraphqlResponse } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { startScript, type TestProcess } from '../../kit/process/process.ts';
import { until } from '../../kit/until.ts';

const MIB = 1024 * 1024;
const IDS = Array.from({ length: 8 }, (_, index) => `ftjob-${index}`);

/** Sends a body without a content-length. */
const sendBody = (body: Buffer) => (_: IncomingMessage, response: ServerResponse) => {
  response.on('error', () => {}); // The gateway closes the connection.
  response.write(body);
  response.end();
};

/** A body of a valid job that has 32 MiB, filled by repetitions of `unit`. */
function fullBody(id: string, open: string, unit: string, close: string): Buffer {
  const job = JSON.stringify(jobBody({ id })).slice(0, -1);
  const body = Buffer.alloc(32 * MIB, ' ');
  const available = body.length - job.length - 100 - close.length;
  body.write(`${job},"extra":${open}`);
  const start = Buffer.byteLength(`${job},"extra":${open}`);
  const count = Math.floor(available / unit.length);
  body.write(unit.repeat(count), start);
  body.write(`${close}}`, start + count * unit.length);
  return body;
}

/** The response of a gateway in its own process to a query for eight jobs and a file, and its peak memory in MiB. */
async function queryAll(upstream: ScriptedUpstream) {
  upstream.onFile(fileBody('file-1'));
  await using gateway: TestProcess = startScript('src/main.ts', [], {
    PORT: '0',
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: 'test-key-example',
    UPSTREAM_RETRIES: '0',
    UPSTREAM_TIMEOUT_MS: '120000',
  });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const jobs = IDS.map((id, index) => `j${index}: fineTuningJob(id: "${id}") { id }`).join(' ');
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ ${jobs} file(id: "file-1") { id } }` }),
  });
  const result = (await response.json()) as GraphqlResponse; // The shape of every GraphQL response.
  return { ...result, peakMib: peakMemory(gateway.pid) };
}

function peakMemory(pid: number): number {
  const [, kib = ''] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

// Only Linux reports the memory of another process.
describe.skipIf(process.platform !== 'linux')('eight concurrent bodies of 32 MiB', () => {
  it.each([
    ['objects', '[', '{},', '0]'],
    ['arrays', '', '[', ''],
  ])(
    'are refused when they consist of small %s, in less than 400 MiB, and the sibling field has a value',
    async (_, ...parts) => {
      await using upstream = await startUpstream();
      const script = sendBody(fullBody('ftjob-0', ...parts));
      for (const id of IDS) upstream.on(`/fine_tuning/jobs/${id}`, script);
      const { data, errors, peakMib } = await queryAll(upstream);
      expect(data?.['file']).toEqual({ id: 'file-1' });
      expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(IDS.map(() => 'UPSTREAM_INVALID_RESPONSE'));
      expect(peakMib).toBeLessThan(400);
    },
    120_000,
  );

  it('are all read in less than 800 MiB when they are long strings', async () => {
    await using upstream = await startUpstream();
    for (const id of IDS) {
      const body = fullBody(id, '"', 'Punctuation, such as: [a] {b} c. ', '"');
      upstream.on(`/fine_tuning/jobs/${id}`, sendBody(body));
    }
    const { data, errors, peakMib } = await queryAll(upstream);
    expect(errors).toBeUndefined();
    expect(Object.values(data ?? {})).toEqual([...IDS, 'file-1'].map((id) => ({ id })));
    expect(peakMib).toBeLessThan(800);
  }, 120_000);
});

describe('large bodies beyond the shared memory limit', () => {
  const QUERY = `{ ${IDS.map((id, index) => `j${index}: fineTuningJob(id: "${id}") { id }`).join(' ')} }`;
  const MAX_CONCURRENT = 4;

  /** Scripts each job to send its body except the end. `responses` are those whose body the gateway has received. */
  function sendUnfinished({ upstream }: World) {
    const responses: ServerResponse[] = [];
    const arrivals = createCounter();
    const text = Buffer.alloc(24 * MIB, 'x');
    for (const id of IDS) {
      upstream.on(`/fine_tuning/jobs/${id}`, (_: unknown, response: ServerResponse) => {
        response.on('error', () => {}); // The gateway closes the connection.
        response.write(`${JSON.stringify(jobBody({ id })).slice(0, -1)},"extra":"`);
        response.write(text, (error) => {
          if (error) return;
          responses.push(response);
          arrivals.count();
        });
      });
    }
    return { responses, arrived: arrivals.reached };
  }

  /** Sends small queries, which succeed and give the large ones time to exceed the limit. */
  async function querySmall(world: World): Promise<void> {
    for (let index = 0; index < 20; index++) {
      world.upstream.onFile(fileBody(`file-${index}`));
      expect(await world.ask(`{ file(id: "file-${index}") { id } }`)).toEqual({ file: { id: `file-${index}` } });
    }
  }

  it('wait for memory while small ones pass, and all succeed', async () => {
    await using world = await startWorld();
    const { responses, arrived } = sendUnfinished(world);
    const pending = world.ask(QUERY);
    await arrived(MAX_CONCURRENT);
    await querySmall(world);
    expect(responses).toHaveLength(MAX_CONCURRENT);
    for (let count = MAX_CONCURRENT; count <= IDS.length; count++) {
      await arrived(count);
      responses[count - MAX_CONCURRENT]?.end('"}');
    }
    for (const response of responses.slice(1 - MAX_CONCURRENT)) response.end('"}');
    expect(Object.values(await pending)).toEqual(IDS.map((id) => ({ id })));
  });

  it('fail at the deadline, and free their memory for others', async () => {
    await using world = await startWorld();
    const { responses, arrived } = sendUnfinished(world);
    const pending = world.gateway.query(QUERY);
    await arrived(MAX_CONCURRENT);
    await querySmall(world);
    world.clock.advance(30_000);
    const { errors } = await pending;
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(IDS.map(() => 'UPSTREAM_TIMEOUT'));
    responses.length = 0;
    world.clock.advance(60_000); // So that the circuit breaker lets a probe through.
    const next = world.ask('{ fineTuningJob(id: "ftjob-0") { id } }');
    await until(() => responses.length > 0);
    responses[0]?.end('"}');
    expect(await next).toEqual({ fineTuningJob: { id: 'ftjob-0' } });
  });
});

describe('a large body', () => {
  async function dataFor(target: string, body: unknown, query: string): Promise<Record<string, unknown>> {
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
      'of 100 jobs with the maximum of metadata',
      '/fine_tuning/jobs',
      list(100, (id) => jobBody({ id, metadata, integrations: [{ type: 'x', notes: 'n'.repeat(2000) }] })),
      `list: fineTuningJobs(first: 100) { ${TO_100} }`,
    ],
    ['of 10,000 files', '/files', list(10_000, (id) => fileBody(id)), `list: files(first: 100) { ${TO_100} }`],
    [
      'of 10,000 models',
      '/models',
      list(10_000, (id) => modelBody(`${id}-of-10000-models`)),
      `list: models(first: 100) { ${TO_100} }`,
    ],
    [
      'of 100 events of reinforcement',
      '/fine_tuning/jobs/ftjob-1/events',
      list(100, (id) => eventBody(id, { data: { scores } })),
      `job: fineTuningJob(id: "ftjob-1") { list: events(first: 100) { ${TO_100} } }`,
    ],
  ])('%s is read', async (_, target, body, query) => {
    const { list, job } = await dataFor(target, body, `{ ${query} }`);
    const { edges } = (list ?? (job as { list: unknown }).list) as { edges: unknown[] }; // As selected by the query.
    expect(edges).toHaveLength(100);
  });
});
