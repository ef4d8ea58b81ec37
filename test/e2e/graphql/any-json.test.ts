import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import type { Answer } from '../../kit/gateway/gateway.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';

/** All of the graph is asked for at once, again and again. */
const NO_LIMITS = { MAX_QUERY_DEPTH: '0', MAX_QUERY_ALIASES: '0', MAX_QUERY_COST: '0', RATE_LIMIT_PER_MINUTE: '0' };

// Whatever the upstream or a client sends: never a fault of the gateway, never the loss of what stands beside it.

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
/** What an upstream answers that is well. */
const RIGHT: Readonly<Record<string, unknown>> = {
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
const TARGETS = Object.keys(RIGHT);

interface Sent {
  readonly status: number;
  readonly body: Uint8Array | string;
}

/** What the gateway answers when the upstream answers one endpoint so, or each by its turn. */
async function ask(sentTo: (target: string) => Sent | undefined): Promise<Answer> {
  world.upstream.failAll(({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const target = url.replace('/v1', '').split('?')[0] ?? '';
    const right = RIGHT[target];
    const usual = { status: 200, body: typeof right === 'string' ? right : JSON.stringify(right) };
    const { status, body } = sentTo(target) ?? usual;
    response.writeHead(status).end(body);
  });
  world.clock.advance(60_000); // No breaker stays open.
  return await world.gateway.query(QUERY);
}

function expectNoFault({ data, errors = [] }: Answer) {
  expect(errors.filter(({ extensions }) => !String(extensions['code']).startsWith('UPSTREAM_'))).toEqual([]);
  expect(data?.['gateway']).toEqual({ version: expect.any(String) });
  expect(world.gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
}

/** Fields of the query that need nothing of an endpoint. */
const FIELDS_OF: [RegExp, string][] = [
  [/^\/fine_tuning\/jobs\/ftjob-1$/, 'fineTuningJob'],
  [/^\/fine_tuning\/jobs$/, 'fineTuningJobs'],
  [/^\/files$/, 'files'],
  [/^\/models$/, 'models'],
];

const odd = fc.constantFrom<unknown>(
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
const anyJson = fc.oneof(fc.jsonValue({ maxDepth: 4 }), odd);
const status = fc.oneof(
  { weight: 3, arbitrary: fc.constant(200) },
  fc.constantFrom(201, 204, 304, 400, 404, 418, 429, 500, 599),
);
const hasNoBody = (code: number) => code === 204 || code === 304;

/** Where the members of a body are, at any depth. */
function spotsOf(body: unknown, spot: (string | number)[] = []): (string | number)[][] {
  if (typeof body !== 'object' || body === null) return [spot];
  const below = Object.entries(body).flatMap(([name, member]) => spotsOf(member, [...spot, name]));
  return [spot, ...below];
}

function replaced(body: unknown, [name, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(body) ? [...body] : { ...Object(body) }) as Record<string | number, unknown>; // Of either.
  copy[name] = replaced(copy[name], rest, value);
  return copy;
}

/** A right body of an endpoint, one of whose members is anything. */
const nearlyRight = fc.constantFrom(...TARGETS.filter((target) => typeof RIGHT[target] !== 'string')).chain((target) =>
  fc.record({
    target: fc.constant(target),
    body: fc
      .tuple(fc.constantFrom(...spotsOf(RIGHT[target])), anyJson)
      .map(([spot, value]) => replaced(RIGHT[target], spot, value)),
  }),
);

describe('whatever the upstream sends', () => {
  it('a right answer costs no field', async () => {
    const { data, errors } = await ask(() => undefined);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      fineTuningJob: { metrics: { totalPoints: 2 } },
      files: { edges: [{}] },
      filtered: {},
    });
  });

  it('any JSON from one endpoint is no fault, and the others answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TARGETS), anyJson, status, async (target, body, code) => {
        const sent = { status: code, body: hasNoBody(code) ? '' : JSON.stringify(body) };
        const answer = await ask((asked) => (asked === target ? sent : undefined));
        expectNoFault(answer);
        for (const [pattern, field] of FIELDS_OF) {
          if (!pattern.test(target) && field !== 'fineTuningJob') expect(answer.data?.[field]).not.toBeNull();
        }
      }),
      { numRuns: 150 },
    );
  });

  it('any JSON from all endpoints is no fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyJson, status), { minLength: 1, maxLength: 12 }), async (bodies) => {
        let turn = 0;
        expectNoFault(
          await ask(() => {
            const [body, code] = bodies[turn++ % bodies.length] ?? [null, 200];
            return { status: code, body: hasNoBody(code) ? '' : JSON.stringify(body) };
          }),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('anything in the place of one member of a right body is no fault', async () => {
    await fc.assert(
      fc.asyncProperty(nearlyRight, async ({ target, body }) => {
        const answer = await ask((asked) =>
          asked === target ? { status: 200, body: JSON.stringify(body) } : undefined,
        );
        expectNoFault(answer);
        if (target !== '/models') expect(answer.data?.['models']).not.toBeNull();
        if (target !== '/files') expect(answer.data?.['files']).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  it('any bytes are no fault', async () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 100 }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TARGETS), bytes, status, async (target, body, code) => {
        const sent = { status: code, body: hasNoBody(code) ? '' : body };
        expectNoFault(await ask((asked) => (asked === target ? sent : undefined)));
      }),
      { numRuns: 150 },
    );
  });

  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  it.each(TARGETS)('JSON as deep as it likes is no fault: %s', async (target) => {
    for (const depth of [5000, 100_000]) {
      expectNoFault(await ask((asked) => (asked === target ? { status: 200, body: deep(depth) } : undefined)));
      const body = `{"error":${deep(depth)}}`;
      expectNoFault(await ask((asked) => (asked === target ? { status: 500, body } : undefined)));
    }
  });

  const DEEP = 'in the place of this';
  it.each([
    ['what nobody reads of a job', at, { ...job, extra: DEEP }, ['fineTuningJob', 'raw']],
    ['the data of an event', `${at}/events`, { data: [eventBody('ftevent-1', { data: DEEP })] }, ['events', 'data']],
    [
      'what a checkpoint has measured',
      `${at}/checkpoints`,
      { data: [checkpointBody('ftckpt_1', { metrics: { step: 1, extra: DEEP } })] },
      ['checkpoints', 'data'],
    ],
    ['the metrics of a step', `${at}/events`, { data: [stepBody(1, 2, { extra: DEEP })] }, ['events', 'data']],
  ])('JSON that is too deep to write costs the field alone: %s', async (_, target, body, [first, last]) => {
    for (const depth of [5000, 100_000]) {
      const sent = { status: 200, body: JSON.stringify(body).replace(`"${DEEP}"`, deep(depth)) };
      const answer = await ask((asked) => (asked === target ? sent : undefined));
      expectNoFault(answer);
      expect(answer.data).toMatchObject({ fineTuningJob: { id: 'ftjob-1' }, files: { edges: [{}] } });
      const paths = (answer.errors ?? []).map(({ path = [] }) => path);
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) expect([path.at(-1), path.includes(first ?? '')]).toEqual([last, true]);
    }
  });

  it('graders in graders, as deep as they like, are one that is not known', async () => {
    const nested = (depth: number) => {
      const multi = '{"type":"multi","name":"m","calculate_output":"m","graders":{"g":';
      return `${multi.repeat(depth)}{}${'}}'.repeat(depth)}`;
    };
    for (const depth of [60, 5000]) {
      const method = { type: 'reinforcement', reinforcement: { grader: DEEP } };
      const text = JSON.stringify({ ...job, method }).replace(`"${DEEP}"`, nested(depth));
      const answer = await ask((asked) => (asked === at ? { status: 200, body: text } : undefined));
      expectNoFault(answer);
      expect(answer.data).toMatchObject({ fineTuningJob: { method: { grader: { rawType: '' } } } });
    }
  });
});

/** The statuses of everything that comes back on a connection of its own for these bytes. */
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

const isAnswered = async () => expect((await fetch(new URL('/health', world.gateway.url))).status).toBe(200);
const post = async (body: Uint8Array<ArrayBuffer> | string) => {
  const response = await fetch(world.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return { status: response.status, text: await response.text() };
};

describe('whatever a client sends', () => {
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
  ])('%s as a body is answered with no fault', async (_, bodies) => {
    world.upstream.failAll(null);
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const { status, text } = await post(JSON.stringify(body));
        expect(status).toBeLessThan(500);
        expect(text).not.toContain('INTERNAL');
      }),
      { numRuns: 150 },
    );
    await isAnswered();
  });

  it('any bytes as a body are answered with no fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await post(Uint8Array.from(bytes))).status).toBeLessThan(500);
        const statuses = await sendRaw(Buffer.concat([Buffer.from(head(bytes.length)), bytes]));
        expect(statuses.filter((status) => status >= '500')).toEqual([]);
      }),
      { numRuns: 100 },
    );
    await isAnswered();
  });

  it('any query of a URL is answered with no fault', async () => {
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

  it('any bytes in the place of a request are answered with no fault, or not at all', async () => {
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
    await isAnswered();
  });

  it('any way is answered with no fault', async () => {
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
  ])('JSON as deep as it likes is answered with no fault: as %s', async (_, bodyOf) => {
    for (const depth of [1000, 2000, 400_000]) {
      const { status, text } = await post(bodyOf('['.repeat(depth) + ']'.repeat(depth)));
      expect(status).toBeLessThan(500);
      expect(text).not.toContain('INTERNAL');
    }
  });
});
