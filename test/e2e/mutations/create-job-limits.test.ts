import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { create } from '../../kit/mutation/create-job.ts';

const GRADER = { stringCheck: { name: 'same', input: '{{sample.output_text}}', reference: 'a', operation: 'EQ' } };
const METHODS = ['supervised', 'dpo', 'reinforcement'] as const;
type Method = (typeof METHODS)[number];

/** The part of an input with one hyperparameter of a method. */
function hyperparameter(method: Method, name: string, value: unknown): object {
  const others = method === 'reinforcement' ? { grader: GRADER } : {};
  return { method: { [method]: { hyperparameters: { [name]: value }, ...others } } };
}

/** Strings of a length in characters: a surrogate pair is one character. */
const texts = (length: number) => ['x'.repeat(length), '𝄞'.repeat(length)];
const pairs = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `key-${index}`, value: 'v' }));

/** A limit: the path of its issue, the part of an input with a value, and values just within and just beyond it. */
type Limit = [path: string, part: (value: unknown) => object, within: unknown[], beyond: unknown[]];
const plain = (name: string, within: unknown[], beyond: unknown[]): Limit => [
  name,
  (value) => ({ [name]: value }),
  within,
  beyond,
];
const ofMethods = (methods: readonly Method[], name: string, within: unknown[], beyond: unknown[]) =>
  methods.map(
    (method): Limit => [
      `method.${method}.hyperparameters.${name}`,
      (value) => hyperparameter(method, name, value),
      ['auto', null, ...within],
      beyond,
    ],
  );

/** The limits of docs/upstream.md: Creating a job. */
const LIMITS: Limit[] = [
  plain('suffix', [...texts(1), ...texts(64)], ['', ...texts(65)]),
  plain('seed', [0, 2_147_483_647], [-1, 2_147_483_648]),
  plain('metadata', [[], pairs(14)], [pairs(15)]),
  ['metadata.0.key', (key) => ({ metadata: [{ key, value: 'v' }] }), texts(64), ['', ...texts(65)]],
  ['metadata.0.value', (value) => ({ metadata: [{ key: 'k', value }] }), ['', ...texts(512)], texts(513)],
  plain('idempotencyKey', texts(1), ['', ...texts(256)]),
  ...ofMethods(METHODS, 'batchSize', [1, 256], [0, 257]),
  ...ofMethods(METHODS, 'learningRateMultiplier', [1e-300, 1e300], [0, -1e-300]),
  ...ofMethods(METHODS, 'nEpochs', [1, 50], [0, 51]),
  ...ofMethods(['dpo'], 'beta', [1e-300, 2], [0, 2.000_001]),
  ...ofMethods(['reinforcement'], 'computeMultiplier', [0.000_010_1, 10], [0.000_01, 10.000_01]),
  ...ofMethods(['reinforcement'], 'evalInterval', [1, 1_000_000], [0, -1]),
  ...ofMethods(['reinforcement'], 'evalSamples', [1, 1_000_000], [0, -1]),
  [
    'method.reinforcement.hyperparameters.reasoningEffort',
    (value) => hyperparameter('reinforcement', 'reasoningEffort', value),
    ['DEFAULT', 'LOW', 'MEDIUM', 'HIGH', null],
    ['UNKNOWN'],
  ],
  ['integrations.0.wandb.project', (project) => ({ integrations: [{ wandb: { project } }] }), ['p'], ['']],
  [
    'method.reinforcement.grader.stringCheck.operation',
    (operation) => ({
      method: { reinforcement: { grader: { stringCheck: { ...GRADER.stringCheck, operation } } } },
    }),
    ['EQ', 'NE', 'LIKE', 'ILIKE'],
    ['UNKNOWN'],
  ],
];

describe("toward the sandbox, whose limits are OpenAI's", () => {
  let gateway: TestGateway;
  let input: { modelId: string; trainingFileId: string };
  beforeAll(async () => {
    gateway = await startGateway({ MAX_CREATES_PER_DAY: '1000000' }, createTestClock()); // The clock stands still, so that the file does not expire.
    const { data } = await gateway.query(
      '{ files(first: 1, filter: { purpose: FINE_TUNE }) { edges { node { id } } } }',
    );
    input = { modelId: 'gpt-4o-mini', trainingFileId: Object(data).files.edges[0].node.id };
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  it.each(LIMITS)('a value just within the limit of %s is accepted', async (_, part, within) => {
    for (const value of within) {
      expect(await create(gateway, { ...input, ...part(value) })).toMatchObject({
        __typename: 'CreateFineTuningJobSuccess',
      });
    }
  });

  it.each(LIMITS)('a value just beyond the limit of %s is an issue with that path', async (path, part, _, beyond) => {
    for (const value of beyond) {
      const created = await create(gateway, { ...input, ...part(value) });
      expect(created.issues).toEqual([{ path: path.split('.'), message: expect.stringMatching(/\bexpected /) }]);
      expect(created).toMatchObject({ __typename: 'InvalidInputError', code: 'BAD_USER_INPUT' });
    }
  });

  it('the second of two metadata pairs with the same key is an issue, and its invalid value too', async () => {
    const metadata = [
      { key: 'team', value: 'a' },
      { key: 'team', value: 'v'.repeat(513) },
    ];
    const { issues = [] } = await create(gateway, { ...input, metadata });
    expect(issues.map(({ path }) => path.join('.')).sort()).toEqual(['metadata.1.key', 'metadata.1.value']);
  });

  it('an input with 20 problems returns 20 issues with their paths', async () => {
    const created = await create(gateway, {
      modelId: '',
      trainingFileId: 'a/../b',
      validationFileId: 'c%2f',
      suffix: 'x'.repeat(65),
      seed: -1,
      integrations: [{ wandb: { project: 'p' } }, { wandb: { project: '' } }],
      metadata: [
        { key: '', value: 'v' },
        { key: 'k'.repeat(65), value: 'v'.repeat(513) },
        { key: 'team', value: 'a' },
        { key: 'team', value: 'b' },
      ],
      method: {
        reinforcement: {
          grader: {
            multi: {
              name: '',
              calculateOutput: 'a',
              graders: [
                {
                  name: 'a',
                  grader: {
                    labelModel: {
                      name: 'a',
                      modelId: 'm',
                      messages: [{ role: 'user', content: 'a' }],
                      labels: ['x'],
                      passingLabels: ['x'],
                    },
                  },
                },
                { name: 'a', grader: { python: { name: 'a', source: 's' } } },
              ],
            },
          },
          hyperparameters: { batchSize: 0, computeMultiplier: 11, evalInterval: 0, nEpochs: 51 },
          extra: { grader: 1 },
        },
      },
      extra: { seed: 1, metadata: {} },
      idempotencyKey: '',
    });
    const inMethod = (...names: string[]) => names.map((name) => `method.reinforcement.${name}`);
    expect(created.issues?.map(({ path }) => path.join('.')).sort()).toEqual(
      [
        ...['modelId', 'trainingFileId', 'validationFileId', 'suffix', 'seed', 'integrations.1.wandb.project'],
        ...['metadata.0.key', 'metadata.1.key', 'metadata.1.value', 'metadata.3.key'],
        ...inMethod('hyperparameters.batchSize', 'hyperparameters.computeMultiplier', 'hyperparameters.evalInterval'),
        ...inMethod('hyperparameters.nEpochs', 'extra.grader', 'grader.multi.name', 'grader.multi.graders.1.name'),
        ...['extra.seed', 'extra.metadata', 'idempotencyKey'],
      ].sort(),
    );
    expect(created.issues).toHaveLength(20);
    expect(gateway.log.filter(({ upstreamCalls }) => upstreamCalls !== undefined).at(-1)).toMatchObject({
      upstreamCalls: 0,
    });
  });
});

describe('toward a server whose limits are unknown', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ ALLOW_MUTATIONS: 'on', MAX_CREATES_PER_DAY: '1000000' });
    world.upstream.on('/fine_tuning/jobs', (_: IncomingMessage, response: ServerResponse) =>
      writeResponse(response, 200, jobBody()),
    );
  });
  afterAll(() => world[Symbol.asyncDispose]());

  // The types of values, and the gateway's own limits, hold there too.
  const ENFORCED = /^idempotencyKey|project$|operation$|reasoningEffort$/;
  const numeric = LIMITS.filter(([path]) => !ENFORCED.test(path));

  it.each(numeric)('a value beyond the limit of %s is sent', async (_, part, __, beyond) => {
    for (const value of beyond) {
      const created = await create(world.gateway, { modelId: 'm', trainingFileId: 'file-1', ...part(value) });
      expect(created.__typename).toBe('CreateFineTuningJobSuccess');
    }
  });

  it.each(LIMITS.filter(([path]) => ENFORCED.test(path)))(
    'an invalid %s is an issue',
    async (path, part, _, beyond) => {
      for (const value of beyond) {
        const created = await create(world.gateway, { modelId: 'm', trainingFileId: 'file-1', ...part(value) });
        expect(created.issues).toMatchObject([{ path: path.split('.') }]);
      }
    },
  );
});

describe('the upstream decides which limits hold, without a call', () => {
  const AZURE = { AZURE_OPENAI_API_KEY: 'none-for-tests', OPENAI_API_VERSION: '2024-10-21' };
  it.each<[string, Record<string, string>, string[]]>([
    ['OpenAI', { OPENAI_API_KEY: 'none-for-tests' }, ['modelId', 'suffix']],
    ['OpenAI in a region', { OPENAI_BASE_URL: 'https://eu.api.openai.com/v1' }, ['modelId', 'suffix']],
    ['a server with a name like it', { OPENAI_BASE_URL: 'https://notapi.openai.com/v1' }, ['modelId']],
    ['Azure', { ...AZURE, AZURE_OPENAI_ENDPOINT: 'https://none-for-tests.openai.azure.com' }, ['modelId']],
  ])('%s', async (_, settings, wrong) => {
    await using gateway = await startGateway({ ...settings, ALLOW_MUTATIONS: 'on' });
    const input = { modelId: '', trainingFileId: 'file-1', suffix: 'x'.repeat(65) };
    const { issues = [] } = await create(gateway, input);
    expect(issues.map(({ path }) => path.join('.'))).toEqual(wrong);
    expect(gateway.log.filter(({ upstreamCalls }) => upstreamCalls)).toEqual([]);
  });
});
