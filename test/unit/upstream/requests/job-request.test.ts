import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateGrader } from '../../../../src/upstream/requests/grader-request.ts';
import { type JobRequestOptions, validateJobRequest } from '../../../../src/upstream/requests/job-request.ts';
import type { Issue } from '../../../../src/upstream/requests/validation.ts';

const OPENAI = { limits: 'openai' } as const;
const REQUEST = { model: 'gpt-4.1-mini', training_file: 'file-1' };

function issuesOf(members: object, options: JobRequestOptions = OPENAI): Issue[] {
  const checked = validateJobRequest({ ...REQUEST, ...members }, options);
  return 'issues' in checked ? checked.issues : [];
}
function bodyOf(members: object, options: JobRequestOptions = OPENAI): object {
  const checked = validateJobRequest({ ...REQUEST, ...members }, options);
  return 'body' in checked ? checked.body : checked;
}
const pathsOf = (issues: readonly Issue[]) => issues.map(({ path }) => path.join('.'));
const METHOD_PATH = /^method\.(\w+)\.hyperparameters\.(\w+)$/;

/** A request whose member at this path is this value; of reinforcement also a grader. */
function withMember(path: string, value: unknown): object {
  const [, type, name] = METHOD_PATH.exec(path) ?? [];
  if (type === undefined || name === undefined) return { [path]: value };
  return {
    method: {
      type,
      [type]: { hyperparameters: { [name]: value }, ...(type === 'reinforcement' && { grader: PYTHON }) },
    },
  };
}

const SCORE_MODEL = { type: 'score_model', name: 'g', model: 'm', input: [{ role: 'user', content: 'a' }] };
const PYTHON = { type: 'python', name: 'mine', source: 'def grade(sample, item): return 1' };
const METHODS = ['supervised', 'dpo', 'reinforcement'];
const texts = (length: number) => ['x'.repeat(length), '𝄞'.repeat(length)];
const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, 'v']));

/** What is just within each limit, and what is just past it. */
const LIMITS: [string, unknown[], unknown[]][] = [
  ['suffix', [...texts(1), ...texts(64), null], ['', ...texts(65), 5]],
  ['seed', [0, 2_147_483_647, null], [-1, 2_147_483_648, 1.5, '1', Number.NaN]],
  ['metadata', [{}, pairs(16), null, { ['k'.repeat(64)]: 'v'.repeat(512) }, { '𝄞': '' }], [pairs(17), [], 'a']],
  ['integrations', [[], null], [{}, 'wandb']],
  ['validation_file', ['file-2', null], ['', 7]],
  ['model', ['m'], ['', null, undefined, 7]],
  ['training_file', ['f'], ['', null, undefined, {}]],
  ...METHODS.flatMap((method): [string, unknown[], unknown[]][] => [
    [`method.${method}.hyperparameters.batch_size`, ['auto', 1, 256, null], [0, 257, 1.5, '8', 'AUTO', -1]],
    [
      `method.${method}.hyperparameters.learning_rate_multiplier`,
      ['auto', 1e-300, 1e300],
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1'],
    ],
    [`method.${method}.hyperparameters.n_epochs`, ['auto', 1, 50], [0, 51, 2.5]],
  ]),
  ['method.dpo.hyperparameters.beta', ['auto', 1e-300, 2], [0, 2.000_001]],
  ['method.reinforcement.hyperparameters.compute_multiplier', ['auto', 0.000_010_1, 10], [0.000_01, 10.000_01]],
  ['method.reinforcement.hyperparameters.eval_interval', ['auto', 1, 1e9], [0, 1.5]],
  ['method.reinforcement.hyperparameters.eval_samples', ['auto', 1, 1e9], [0, -1]],
  ['method.reinforcement.hyperparameters.reasoning_effort', ['default', 'low', 'medium', 'high'], ['none', '', 5]],
];
const CASES = LIMITS.flatMap(([path, right, wrong]) => [
  ...right.map((value) => [path, value, true] as const),
  ...wrong.map((value) => [path, value, false] as const),
]);

describe('a request for a job', () => {
  it.each(CASES)('may have at %s %j: %s', (path, value, isRight) => {
    expect(pathsOf(issuesOf(withMember(path, value)))).toEqual(isRight ? [] : [path]);
  });

  it.each([
    ['a long key', { ['k'.repeat(65)]: 'v' }, ['key']],
    ['an empty key', { '': 'v' }, ['key']],
    ['a long value', { key: 'v'.repeat(513) }, []],
    ['a value that is no text', { key: 5 }, []],
  ])('may not have %s in its metadata', (_, metadata, below) => {
    expect(issuesOf({ metadata })).toMatchObject([{ path: ['metadata', Object.keys(metadata)[0], ...below] }]);
  });

  it('has room for the pairs that will be added', () => {
    expect(issuesOf({ metadata: pairs(14) }, { ...OPENAI, reservedPairs: 2 })).toEqual([]);
    expect(issuesOf({ metadata: pairs(15) }, { ...OPENAI, reservedPairs: 2 })).toEqual([
      { path: ['metadata'], message: 'expected at most 14 pairs' },
    ]);
  });

  it.each([
    ['the project', [{ type: 'wandb', wandb: {} }], ['integrations.0.wandb.project']],
    ['the object', [{ type: 'wandb' }], ['integrations.0.wandb']],
    ['a type that is known', [{ type: 'other', wandb: { project: 'p' } }], ['integrations.0.type']],
    [
      'tags that are texts',
      [{ type: 'wandb', wandb: { project: 'p', tags: ['a', 5] } }],
      ['integrations.0.wandb.tags.1'],
    ],
    ['nothing more', [{ type: 'wandb', wandb: { project: 'p', name: null, tags: ['a'] } }], []],
  ])('has to have of an integration %s', (_, integrations, paths) => {
    expect(pathsOf(issuesOf({ integrations }))).toEqual(paths);
  });

  it.each<[string, unknown, string[]]>([
    ['a type', {}, ['method.type']],
    ['a type that is known', { type: 'sft' }, ['method.type']],
    ['an object', 5, ['method']],
    ['a grader', { type: 'reinforcement', reinforcement: {} }, ['method.reinforcement.grader']],
    ['the object with the grader', { type: 'reinforcement' }, ['method.reinforcement']],
    ['nothing of another', { type: 'dpo', dpo: {}, supervised: {} }, ['method.supervised']],
    ['an object of its own', { type: 'supervised', supervised: 'x' }, ['method.supervised']],
    ['no object', { type: 'supervised' }, []],
  ])('has to have of a method %s', (_, method, paths) => {
    expect(pathsOf(issuesOf({ method }))).toEqual(paths);
  });

  it('tells all that is wrong at once, each with its place and what was expected', () => {
    const issues = issuesOf({
      model: '',
      training_file: 5,
      validation_file: '',
      suffix: 'x'.repeat(65),
      seed: -1,
      integrations: [{ type: 'other', wandb: { tags: [1] } }],
      metadata: { ...pairs(15), ['k'.repeat(65)]: 'v'.repeat(513), other: 5 },
      method: {
        type: 'reinforcement',
        supervised: { hyperparameters: { n_epochs: 0 } },
        reinforcement: {
          grader: { type: 'string_check', name: 'g', input: 'a', reference: 'b', operation: 'is' },
          hyperparameters: { batch_size: 0, beta: 9, compute_multiplier: 11, eval_interval: 0, reasoning_effort: 'x' },
          extra: { grader: 1 },
        },
      },
      extra: { seed: 1, hyperparameters: {}, metadata: {} },
    });
    expect(pathsOf(issues).sort()).toEqual(
      [
        ...['model', 'training_file', 'validation_file', 'suffix', 'seed'],
        ...['integrations.0.type', 'integrations.0.wandb.project', 'integrations.0.wandb.tags.0'],
        ...['metadata', `metadata.${'k'.repeat(65)}.key`, `metadata.${'k'.repeat(65)}`, 'metadata.other'],
        ...['method.supervised', 'method.supervised.hyperparameters.n_epochs'],
        ...['batch_size', 'compute_multiplier', 'eval_interval', 'reasoning_effort'].map(
          (name) => `method.reinforcement.hyperparameters.${name}`,
        ),
        ...['method.reinforcement.grader.operation', 'method.reinforcement.extra.grader'],
        ...['extra.seed', 'extra.hyperparameters', 'extra.metadata'],
      ].sort(),
    );
    expect(issues.length).toBeGreaterThanOrEqual(20);
    expect(issues.every(({ message }) => message.startsWith('expected '))).toBe(true);
  });

  it('is sent as it is, without what is null, and with the extra members in their places', () => {
    const grader = { type: 'multi', name: 'm', calculate_output: 'a', graders: { a: { ...PYTHON, image_tag: null } } };
    expect(
      bodyOf({
        suffix: null,
        seed: 7,
        method: {
          type: 'reinforcement',
          dpo: null,
          reinforcement: {
            grader,
            hyperparameters: { n_epochs: 'auto', batch_size: null },
            extra: { response_format: { a: null } },
          },
        },
        integrations: [{ type: 'wandb', wandb: { project: 'p', name: null } }],
        metadata: { extra: 'kept' },
        extra: { trainingType: 'Standard', nothing: null },
      }),
    ).toEqual({
      ...REQUEST,
      seed: 7,
      method: {
        type: 'reinforcement',
        reinforcement: {
          grader: { ...grader, graders: { a: PYTHON } },
          hyperparameters: { n_epochs: 'auto' },
          response_format: { a: null },
        },
      },
      integrations: [{ type: 'wandb', wandb: { project: 'p' } }],
      metadata: { extra: 'kept' },
      trainingType: 'Standard',
      nothing: null,
    });
  });

  it.each([
    'model',
    'training_file',
    'validation_file',
    'suffix',
    'seed',
    'method',
    'hyperparameters',
    'integrations',
    'metadata',
  ])('may not name %s among its extra members', (name) => {
    expect(issuesOf({ extra: { [name]: null } })).toMatchObject([{ path: ['extra', name] }]);
  });

  it.each([
    ['supervised', 'hyperparameters'],
    ['dpo', 'hyperparameters'],
    ['reinforcement', 'grader'],
    ['reinforcement', 'hyperparameters'],
  ])('may not name among the extra members of %s its %s', (type, name) => {
    const method = { type, [type]: { ...(type === 'reinforcement' && { grader: PYTHON }), extra: { [name]: {} } } };
    expect(issuesOf({ method })).toMatchObject([{ path: ['method', type, 'extra', name] }]);
  });

  it('has its extra members whatever their names', () => {
    const extra = JSON.parse('{ "__proto__": { "a": 1 }, "constructor": 2 }');
    const checked = validateJobRequest({ model: 'm', training_file: 'f', extra }, OPENAI);
    expect(JSON.stringify(checked)).toContain('"__proto__":{"a":1},"constructor":2');
  });

  it('may not have extra members that are no object or without end', () => {
    let deep: unknown = {};
    for (let depth = 0; depth < 5000; depth++) deep = [deep];
    for (const extra of [[], 'a', { deep }]) expect(pathsOf(issuesOf({ extra }))).toEqual(['extra']);
    const grader = { ...SCORE_MODEL, sampling_params: { deep } };
    expect(pathsOf(issuesOf({ method: { type: 'reinforcement', reinforcement: { grader } } }))).toEqual(['']);
    expect(validateGrader(grader, 'openai')).toMatchObject({ issues: [{ path: ['grader'] }] });
  });

  it('to a server of which no limits are known may have anything of the right shape', () => {
    const unknown = { limits: 'unknown' } as const;
    const method = { type: 'lora', dpo: null };
    const beyond = {
      suffix: 'x'.repeat(1000),
      seed: -5,
      metadata: { ...pairs(30), ['k'.repeat(100)]: 'v'.repeat(9000) },
      method,
    };
    expect(issuesOf({ ...beyond, integrations: [{ type: 'mlflow' }] }, unknown)).toEqual([]);
    const hyperparameters = { n_epochs: 500, batch_size: 4096, beta: 50, learning_rate_multiplier: -2 };
    expect(issuesOf({ method: { type: 'dpo', dpo: { hyperparameters } } }, unknown)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a seed that is no whole number', { seed: 1.5 }, 'seed'],
    ['a metadata value that is no text', { metadata: { a: 5 } }, 'metadata.a'],
    [
      'epochs that are no number',
      { method: { type: 'dpo', dpo: { hyperparameters: { n_epochs: 'many' } } } },
      'method.dpo.hyperparameters.n_epochs',
    ],
    ['no model', { model: undefined }, 'model'],
    ['an extra member that we know', { extra: { model: 'b' } }, 'extra.model'],
  ])('to such a server may not have %s', (_, members, path) => {
    expect(pathsOf(issuesOf(members, { limits: 'unknown' }))).toEqual([path]);
  });

  it('gives a body or issues for any JSON, and never throws: property', () => {
    const names = fc.constantFrom(
      'method',
      'metadata',
      'integrations',
      'extra',
      'suffix',
      'seed',
      'model',
      'type',
      'dpo',
      'reinforcement',
      'grader',
    );
    const { draft } = fc.letrec((tie) => ({
      draft: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue(),
        fc.dictionary(names, tie('draft')),
        fc.array(tie('draft'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(draft, fc.constantFrom('openai' as const, 'unknown' as const), (value, limits) => {
        const checked = validateJobRequest(value, { limits });
        if ('issues' in checked) expect(checked.issues.length).toBeGreaterThan(0);
        else expect(JSON.parse(JSON.stringify(checked.body))).toMatchObject({ model: expect.any(String) });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a grader', () => {
  const graders: [string, object][] = [
    ['string_check', { input: '{{sample.output_text}}', reference: '', operation: 'ilike' }],
    ['text_similarity', { input: 'a', reference: 'b', evaluation_metric: 'rouge_l' }],
    ['python', { source: 'def grade(): pass', image_tag: '2025-05-08' }],
    [
      'score_model',
      { model: 'm', input: [{ role: 'user', content: 'a' }], range: [0, 1], sampling_params: { seed: 1 } },
    ],
    [
      'multi',
      {
        calculate_output: 'a',
        graders: {
          a: PYTHON,
          b: {
            type: 'label_model',
            name: 'l',
            model: 'm',
            input: [{ role: 'user', content: [] }],
            labels: ['x'],
            passing_labels: ['x'],
          },
        },
      },
    ],
  ];

  it.each(graders)('of the type %s passes when it has what it needs, and not without any of that', (type, members) => {
    const grader = { type, name: 'g', ...members };
    expect(validateGrader(grader, 'openai')).toEqual({ body: grader });
    const needed = Object.keys(grader).filter((name) => !['image_tag', 'range', 'sampling_params'].includes(name));
    for (const name of needed) {
      const checked = validateGrader({ ...grader, [name]: undefined }, 'openai');
      expect('issues' in checked && pathsOf(checked.issues), name).toEqual([`grader.${name}`]);
    }
  });

  it.each<[string, object, string]>([
    [
      'an operation that is unknown',
      { type: 'string_check', name: 'g', input: '', reference: '', operation: 'is' },
      'operation',
    ],
    [
      'a metric that is unknown',
      { type: 'text_similarity', name: 'g', input: '', reference: '', evaluation_metric: 'rouge_6' },
      'evaluation_metric',
    ],
    [
      'a range of three',
      { type: 'score_model', name: 'g', model: 'm', input: [{ role: 'user', content: 'a' }], range: [0, 1, 2] },
      'range',
    ],
    ['no message', { type: 'score_model', name: 'g', model: 'm', input: [] }, 'input'],
    [
      'a message without content',
      { type: 'score_model', name: 'g', model: 'm', input: [{ role: 'user' }] },
      'input.0.content',
    ],
    [
      'labels, outside of several',
      { type: 'label_model', name: 'g', model: 'm', input: [], labels: [], passing_labels: [] },
      'type',
    ],
    [
      'several within several',
      { type: 'multi', name: 'g', calculate_output: 'a', graders: { a: { type: 'multi' } } },
      'graders.a.type',
    ],
    ['several of none', { type: 'multi', name: 'g', calculate_output: 'a', graders: {} }, 'graders'],
  ])('may not have %s', (_, grader, path) => {
    const checked = validateGrader(grader, 'openai');
    expect('issues' in checked && pathsOf(checked.issues)).toEqual([`grader.${path}`]);
  });

  it.each([null, 5, [], {}, { type: 'other' }])('may not be %j', (grader) => {
    expect(validateGrader(grader, 'unknown')).toMatchObject({
      issues: [{ message: expect.stringContaining('a grader') }],
    });
  });
});
