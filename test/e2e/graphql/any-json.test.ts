import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import type { GraphqlResponse } from '../../kit/gateway/gateway.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';

/** The query selects the whole graph, many times. */
const NO_LIMITS = { MAX_QUERY_DEPTH: '0', MAX_QUERY_ALIASES: '0', MAX_QUERY_COST: '0', RATE_LIMIT_PER_MINUTE: '0' };

// Any input of the upstream or a client: never an internal error, and never the loss of sibling fields.

let world: World;
beforeAll(async () => {
  world = await startWorld({ ...NO_CACHE, ...NO_LIMITS });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const METHOD = `
  type rawType
  ... on FineTuningJobSupervisedMethod { hyperparameters { ...Parameters } }
  ... on FineTuningJobDpoMethod { hyperparameters { ...Parameters beta } }
  ... on FineTuningJobReinforcementMethod { hyperparameters { ...Parameters } grader { rawType } }
`;
const JOB = `
  __typename id object createdAt finishedAt estimatedFinishAt status rawStatus isTerminal modelId fineTunedModelId
  organizationId seed suffix trainedTokens trainingFileId validationFileId resultFileIds raw
  hyperparameters { ...Parameters } method { ${METHOD} } error { code message param }
  integrations { type rawType } metadata { key value }
`;
const FILE = 'id filename bytes createdAt expiresAt purpose rawPurpose status rawStatus statusDetails';
const MODEL = 'id createdAt ownedBy shutdownDate';
const PARTS = `
  model { ${MODEL} } fineTunedModel { id } trainingFile { ${FILE} preview { text isTruncated } }
  validationFile { id } resultFiles { id }
  events { edges { cursor node { id createdAt level rawLevel message type rawType data } } pageInfo { hasNextPage } }
  checkpoints { edges { node { id createdAt stepNumber fineTunedModelId metrics { step trainLoss data } } } }
  metrics { isComplete totalPoints points { step createdAt trainLoss validLoss fullValidMeanReward data } }
  progress { step totalSteps }
`;
const QUERY = `
  query {
    gateway { version }
    fineTuningJob(id: "ftjob-1") { ${JOB} ${PARTS} }
    fineTuningJobs(first: 2) { scannedCount edges { cursor node { ${JOB} } } pageInfo { hasNextPage endCursor } }
    filtered: fineTuningJobs(first: 2, filter: { statuses: [FAILED], methods: [DPO] }) { edges { node { id } } }
    file(id: "file-1") { ${FILE} preview { text } }
    files { edges { node { ${FILE} } } }
    model(id: "base") { ${MODEL} }
    models { edges { node { ${MODEL} } } }
    node(id: "ftjob-1") { id }
  }
  fragment Parameters on FineTuningJobCommonHyperparameters { batchSize learningRateMultiplier nEpochs }
`;

const at = '/fine_tuning/jobs/ftjob-1';
const reinforcement = {
  type: 'reinforcement',
  reinforcement: {
    hyperparameters: { n_epochs: 1, batch_size: 'auto', reasoning_effort: 'low' },
    grader: { type: 'multi', name: 'all', calculate_output: 'a', graders: { a: { type: 'string_check', name: 'a' } } },
  },
};
const job = jobBody({
  id: 'ftjob-1',
  status: 'succeeded',
  model: 'base',
  fine_tuned_model: 'tuned',
  training_file: 'file-1',
  result_files: ['file-results'],
  error: { code: 'none', message: 'None.', param: null },
  metadata: { team: 'a' },
  method: reinforcement,
  integrations: [{ type: 'wandb', wandb: { project: 'p', tags: ['t'] } }],
});
/** The valid responses of an upstream. */
const VALID: Readonly<Record<string, unknown>> = {
  [at]: job,
  '/fine_tuning/jobs': { object: 'list', data: [job, jobBody({ id: 'ftjob-2' })], has_more: false },
  [`${at}/events`]: { object: 'list', data: [stepBody(2, 3), stepBody(1, 3), eventBody('ftevent-1')], has_more: false },
  [`${at}/checkpoints`]: { object: 'list', data: [checkpointBody('ftckpt_1')], has_more: false },
  '/files': { object: 'list', data: [fileBody('file-1')], has_more: false },
  '/files/file-1': fileBody('file-1'),
  '/files/file-results': fileBody('file-results', { purpose: 'fine-tune-results' }),
  '/files/file-1/content': 'some text\n',
  '/files/file-results/content': 'step,train_loss,note\n1,0.5,a\n2,0.25,b\n',
  '/models': { object: 'list', data: [modelBody('base'), modelBody('tuned')] },
  '/models/base': modelBody('base'),
  '/models/tuned': modelBody('tuned'),
};
const TARGETS = Object.keys(VALID);

interface UpstreamResponse {
  readonly status: number;
  readonly body: Uint8Array | string;
}

/** Queries the gateway while the upstream sends these responses; undefined stands for the valid one. */
async function queryWith(responseOf: (target: string) => UpstreamResponse | undefined): Promise<GraphqlResponse> {
  world.upstream.failAll(({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const target = url.replace('/v1', '').split('?')[0] ?? '';
    const valid = VALID[target];
    const validResponse = { status: 200, body: typeof valid === 'string' ? valid : JSON.stringify(valid) };
    const { status, body } = responseOf(target) ?? validResponse;
    response.writeHead(status).end(body);
  });
  world.clock.advance(60_000); // Closes every circuit breaker.
  return await world.gateway.query(QUERY);
}

function expectNoInternalError({ data, errors = [] }: GraphqlResponse) {
  expect(errors.filter(({ extensions }) => !String(extensions['code']).startsWith('UPSTREAM_'))).toEqual([]);
  expect(data?.['gateway']).toEqual({ version: expect.any(String) });
  expect(world.gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
}

/** The root fields by the endpoints that they depend on. */
const FIELDS_OF: [RegExp, string][] = [
  [/^\/fine_tuning\/jobs\/ftjob-1$/, 'fineTuningJob'],
  [/^\/fine_tuning\/jobs$/, 'fineTuningJobs'],
  [/^\/files$/, 'files'],
  [/^\/models$/, 'models'],
];

const unusual = fc.constantFrom<unknown>(
  null,
  '',
  '\u0000',
  '\ud800',
  -0,
  1e308,
  -1,
  2 ** 31,
  2 ** 53,
  0.1,
  [],
  {},
  [[]],
  { id: 'x' },
  'auto',
  'succeeded',
  '__proto__',
);
const anyJson = fc.oneof(fc.jsonValue({ maxDepth: 4 }), unusual);
const status = fc.oneof(
  { weight: 3, arbitrary: fc.constant(200) },
  fc.constantFrom(201, 204, 304, 400, 404, 418, 429, 500, 599),
);
const hasNoBody = (code: number) => code === 204 || code === 304;

/** The paths of all members of a body, at any depth. */
function pathsOf(body: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof body !== 'object' || body === null) return [path];
  const below = Object.entries(body).flatMap(([name, member]) => pathsOf(member, [...path, name]));
  return [path, ...below];
}

function replaced(body: unknown, [name, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(body) ? [...body] : { ...Object(body) }) as Record<string | number, unknown>; // An array or an object.
  copy[name] = replaced(copy[name], rest, value);
  return copy;
}

/** A valid body of an endpoint with any value in the place of one member. */
const nearlyValid = fc.constantFrom(...TARGETS.filter((target) => typeof VALID[target] !== 'string')).chain((target) =>
  fc.record({
    target: fc.constant(target),
    body: fc
      .tuple(fc.constantFrom(...pathsOf(VALID[target])), anyJson)
      .map(([path, value]) => replaced(VALID[target], path, value)),
  }),
);

describe('any response of the upstream', () => {
  it('that is valid fails no field', async () => {
    const { data, errors } = await queryWith(() => undefined);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      fineTuningJob: { metrics: { totalPoints: 2 } },
      files: { edges: [{}] },
      filtered: {},
    });
  });

  it('that is any JSON at one endpoint is no internal error, and the other fields have data', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TARGETS), anyJson, status, async (target, body, code) => {
        const response = { status: code, body: hasNoBody(code) ? '' : JSON.stringify(body) };
        const result = await queryWith((path) => (path === target ? response : undefined));
        expectNoInternalError(result);
        for (const [pattern, field] of FIELDS_OF) {
          if (!pattern.test(target) && field !== 'fineTuningJob') expect(result.data?.[field]).not.toBeNull();
        }
      }),
      { numRuns: 150 },
    );
  });

  it('that is any JSON at all endpoints is no internal error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyJson, status), { minLength: 1, maxLength: 12 }), async (bodies) => {
        let turn = 0;
        expectNoInternalError(
          await queryWith(() => {
            const [body, code] = bodies[turn++ % bodies.length] ?? [null, 200];
            return { status: code, body: hasNoBody(code) ? '' : JSON.stringify(body) };
          }),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('with any value in the place of one member is no internal error', async () => {
    await fc.assert(
      fc.asyncProperty(nearlyValid, async ({ target, body }) => {
        const result = await queryWith((path) =>
          path === target ? { status: 200, body: JSON.stringify(body) } : undefined,
        );
        expectNoInternalError(result);
        if (target !== '/models') expect(result.data?.['models']).not.toBeNull();
        if (target !== '/files') expect(result.data?.['files']).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  it('of any bytes is no internal error', async () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 100 }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TARGETS), bytes, status, async (target, body, code) => {
        const response = { status: code, body: hasNoBody(code) ? '' : body };
        expectNoInternalError(await queryWith((path) => (path === target ? response : undefined)));
      }),
      { numRuns: 150 },
    );
  });

  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  it.each(TARGETS)('of JSON of any depth is no internal error: %s', async (target) => {
    for (const depth of [5000, 100_000]) {
      expectNoInternalError(
        await queryWith((path) => (path === target ? { status: 200, body: deep(depth) } : undefined)),
      );
      const body = `{"error":${deep(depth)}}`;
      expectNoInternalError(await queryWith((path) => (path === target ? { status: 500, body } : undefined)));
    }
  });

  const PLACEHOLDER = 'replaced by nested lists';
  it.each([
    ['an unknown member of a job', at, { ...job, extra: PLACEHOLDER }, ['fineTuningJob', 'raw']],
    [
      'the data of an event',
      `${at}/events`,
      { data: [eventBody('ftevent-1', { data: PLACEHOLDER })] },
      ['events', 'data'],
    ],
    [
      'the metrics of a checkpoint',
      `${at}/checkpoints`,
      { data: [checkpointBody('ftckpt_1', { metrics: { step: 1, extra: PLACEHOLDER } })] },
      ['checkpoints', 'data'],
    ],
    ['the metrics of a step', `${at}/events`, { data: [stepBody(1, 2, { extra: PLACEHOLDER })] }, ['events', 'data']],
  ])('of JSON that is too deep to serialize fails one field only: %s', async (_, target, body, [first, last]) => {
    for (const depth of [5000, 100_000]) {
      const response = { status: 200, body: JSON.stringify(body).replace(`"${PLACEHOLDER}"`, deep(depth)) };
      const result = await queryWith((path) => (path === target ? response : undefined));
      expectNoInternalError(result);
      expect(result.data).toMatchObject({ fineTuningJob: { id: 'ftjob-1' }, files: { edges: [{}] } });
      const paths = (result.errors ?? []).map(({ path = [] }) => path);
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) expect([path.at(-1), path.includes(first ?? '')]).toEqual([last, true]);
    }
  });

  it('with nested graders of any depth has one unknown grader', async () => {
    const nested = (depth: number) => {
      const multi = '{"type":"multi","name":"m","calculate_output":"m","graders":{"g":';
      return `${multi.repeat(depth)}{}${'}}'.repeat(depth)}`;
    };
    for (const depth of [60, 5000]) {
      const method = { type: 'reinforcement', reinforcement: { grader: PLACEHOLDER } };
      const text = JSON.stringify({ ...job, method }).replace(`"${PLACEHOLDER}"`, nested(depth));
      const result = await queryWith((path) => (path === at ? { status: 200, body: text } : undefined));
      expectNoInternalError(result);
      expect(result.data).toMatchObject({ fineTuningJob: { method: { grader: { rawType: '' } } } });
    }
  });
});

/** Sends bytes on a new connection. Resolves to the statuses of all responses. */
function sendRaw(bytes: Uint8Array | string): Promise<string[]> {
  const { hostname, port } = new URL(world.gateway.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('latin1').on('data', (text) => {
      received += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve([...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code = '']) => code)));
    socket.end(bytes);
  });
}

const expectHealthy = async () => expect((await fetch(new URL('/health', world.gateway.url))).status).toBe(200);
const post = async (body: Uint8Array<ArrayBuffer> | string) => {
  const response = await fetch(world.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return { status: response.status, text: await response.text() };
};

describe('any request of a client', () => {
  const head = (length: number) =>
    `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const words = fc.constantFrom(
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ':',
    '$',
    '@',
    '!',
    '...',
    '"',
    '"""',
    '\\',
    'on',
    'query',
    'fragment',
    'mutation',
    'subscription',
    'fineTuningJobs',
    'first',
    'id',
    '__typename',
    '__schema',
    '-1',
    '1e400',
    '#',
    '\u{feff}',
    '\ud800',
    ' ',
  );

  it.each<[string, fc.Arbitrary<unknown>]>([
    ['any JSON', anyJson],
    [
      'parameters of any kind',
      fc.record(
        { query: fc.oneof(fc.string(), anyJson), variables: anyJson, operationName: anyJson, extensions: anyJson },
        { requiredKeys: [] },
      ),
    ],
    ['any document', fc.array(words, { maxLength: 40 }).map((parts) => ({ query: parts.join(' ') }))],
    [
      'any variables',
      fc.dictionary(fc.constantFrom('id', 'first', 'filter', '__proto__', 'x'), anyJson).map((variables) => ({
        query:
          'query ($id: ID!, $first: Int, $filter: FineTuningJobFilter) { fineTuningJob(id: $id) { id } fineTuningJobs(first: $first, filter: $filter) { scannedCount } }',
        variables,
      })),
    ],
  ])('with %s as its body gets no server error', async (_, bodies) => {
    world.upstream.failAll(null);
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const { status, text } = await post(JSON.stringify(body));
        expect(status).toBeLessThan(500);
        expect(text).not.toContain('INTERNAL');
      }),
      { numRuns: 150 },
    );
    await expectHealthy();
  });

  it('with any bytes as its body gets no server error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await post(Uint8Array.from(bytes))).status).toBeLessThan(500);
        const statuses = await sendRaw(Buffer.concat([Buffer.from(head(bytes.length)), bytes]));
        expect(statuses.filter((status) => status >= '500')).toEqual([]);
      }),
      { numRuns: 100 },
    );
    await expectHealthy();
  });

  it('with any query in its URL gets no server error', async () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.constantFrom('%', '%zz', '&', '=', 'query', 'variables', '{__typename}', '[]', 'null'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 10 }), async (parts) => {
        expect((await fetch(`${world.gateway.url}?query=${parts.join('')}`)).status).toBeLessThan(500);
        expect(
          (await fetch(`${world.gateway.url}?query={__typename}&variables=${parts.join('')}`)).status,
        ).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
  });

  it('of any bytes gets no server error, or no response', async () => {
    const line = fc.constantFrom(
      'GET',
      'POST',
      ' ',
      '/graphql',
      '*',
      'HTTP/1.1',
      'HTTP/9.9',
      '\r\n',
      '\n',
      ':',
      'Host: 127.0.0.1',
      'Content-Length: 3',
      'Transfer-Encoding: chunked',
      'Content-Type: application/json',
      'Expect: 100-continue',
      'Upgrade: websocket',
      'Connection: upgrade',
      '{}',
      '0\r\n\r\n',
      '\u0000',
    );
    const requests = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(line, { maxLength: 20 }).map((parts) => Buffer.from(parts.join(''), 'latin1')),
    );
    await fc.assert(
      fc.asyncProperty(requests, async (bytes) => {
        expect((await sendRaw(bytes)).filter((status) => status >= '500')).toEqual([]);
      }),
      { numRuns: 200 },
    );
    await expectHealthy();
  });

  it('to any path gets no server error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.webPath(),
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'),
        async (path, method) => {
          const response = await fetch(new URL(`.${path}`, world.gateway.url), { method, redirect: 'manual' });
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    ['a body', (deep: string) => deep],
    ['variables', (deep: string) => `{"query":"query ($v: JSON) { __typename }","variables":{"v":${deep}}}`],
    [
      'variables of an input',
      (deep: string) =>
        `{"query":"query ($v: FineTuningJobFilter) { fineTuningJobs(filter: $v) { scannedCount } }","variables":{"v":${deep}}}`,
    ],
    [
      'variables of a scalar',
      (deep: string) =>
        `{"query":"query ($v: UnixTimestamp) { fineTuningJobs(filter: { createdBefore: $v }) { scannedCount } }","variables":{"v":${deep}}}`,
    ],
    ['extensions', (deep: string) => `{"query":"{ __typename }","extensions":{"v":${deep}}}`],
    ['a document', (deep: string) => `{"query":"${deep}"}`],
    ['an argument', (deep: string) => `{"query":"{ fineTuningJob(id: ${deep}) { id } }"}`],
  ])('with JSON of any depth gets no server error: as %s', async (_, bodyOf) => {
    for (const depth of [1000, 2000, 400_000]) {
      const { status, text } = await post(bodyOf('['.repeat(depth) + ']'.repeat(depth)));
      expect(status).toBeLessThan(500);
      expect(text).not.toContain('INTERNAL');
    }
  });
});
