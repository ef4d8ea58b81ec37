import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateGrader } from '../../../../src/upstream/requests/grader-request.ts';
import { type JobRequestOptions, validateJobRequest } from '../../../../src/upstream/requests/job-request.ts';
import type { Issue } from '../../../../src/upstream/requests/validation.ts';

const OPENAI = { limits: 'openai' } as const;
const REQUEST = { model: 'gpt-4.1-mini', training_file: 'file-1' };

function issuesWith(members: object, options: JobRequestOptions = OPENAI): Issue[] {
  const validated = validateJobRequest({ ...REQUEST, ...members }, options);
  return 'issues' in validated ? validated.issues : [];
}
function bodyWith(members: object, options: JobRequestOptions = OPENAI): object {
  const validated = validateJobRequest({ ...REQUEST, ...members }, options);
  return 'body' in validated ? validated.body : validated;
}
const pathsOf = (issues: readonly Issue[]) => issues.map(({ path }) => path.join('.'));
/** The form of every message: what is wrong, then what was expected. */
const MESSAGE = /^(is|has|contains|does not match) .+; expected .+/;
const METHOD_PATH = /^method\.(\w+)\.hyperparameters\.(\w+)$/;

/** A request with this value at this path, and with a grader for reinforcement. */
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

/** Values just within and just beyond each limit. */
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
const CASES = LIMITS.flatMap(([path, valid, invalid]) => [
  ...valid.map((value) => [path, value, true] as const),
  ...invalid.map((value) => [path, value, false] as const),
]);

describe('a request for a job', () => {
  it.each(CASES)('with %s of %j is valid: %s', (path, value, isValid) => {
    expect(pathsOf(issuesWith(withMember(path, value)))).toEqual(isValid ? [] : [path]);
  });

  it.each([
    ['a long key', { ['k'.repeat(65)]: 'v' }, ['key']],
    ['an empty key', { '': 'v' }, ['key']],
    ['a long value', { key: 'v'.repeat(513) }, []],
    ['a value that is not a string', { key: 5 }, []],
  ])('is invalid with %s in its metadata', (_, metadata, suffix) => {
    expect(issuesWith({ metadata })).toMatchObject([{ path: ['metadata', Object.keys(metadata)[0], ...suffix] }]);
  });

  it('leaves metadata pairs free for the gateway', () => {
    expect(issuesWith({ metadata: pairs(14) }, { ...OPENAI, reservedPairs: 2 })).toEqual([]);
    expect(issuesWith({ metadata: pairs(15) }, { ...OPENAI, reservedPairs: 2 })).toEqual([
      { path: ['metadata'], message: 'has 15 pairs; expected at most 14' },
    ]);
  });

  it.each([
    ['the project', [{ type: 'wandb', wandb: {} }], ['integrations.0.wandb.project']],
    ['the object', [{ type: 'wandb' }], ['integrations.0.wandb']],
    ['a known type', [{ type: 'other', wandb: { project: 'p' } }], ['integrations.0.type']],
    [
      'tags that are strings',
      [{ type: 'wandb', wandb: { project: 'p', tags: ['a', 5] } }],
      ['integrations.0.wandb.tags.1'],
    ],
    ['nothing more', [{ type: 'wandb', wandb: { project: 'p', name: null, tags: ['a'] } }], []],
  ])('needs in an integration %s', (_, integrations, paths) => {
    expect(pathsOf(issuesWith({ integrations }))).toEqual(paths);
  });

  it.each<[string, unknown, string[]]>([
    ['a type', {}, ['method.type']],
    ['a known type', { type: 'sft' }, ['method.type']],
    ['an object', 5, ['method']],
    ['a grader', { type: 'reinforcement', reinforcement: {} }, ['method.reinforcement.grader']],
    ['the object with the grader', { type: 'reinforcement' }, ['method.reinforcement']],
    ['no object of another method', { type: 'dpo', dpo: {}, supervised: {} }, ['method.supervised']],
    ['an object in its own member', { type: 'supervised', supervised: 'x' }, ['method.supervised']],
    ['no object', { type: 'supervised' }, []],
  ])('needs in a method %s', (_, method, paths) => {
    expect(pathsOf(issuesWith({ method }))).toEqual(paths);
  });

  it('has all issues at once, each with its path, the problem and the expectation', () => {
    const issues = issuesWith({
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
      extra: { seed: 1, hyperparameters: { batch_size: 4, lora_r: 16 }, metadata: {} },
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
        ...['extra.seed', 'extra.hyperparameters.batch_size', 'extra.metadata'],
      ].sort(),
    );
    expect(issues.length).toBeGreaterThanOrEqual(20);
    for (const { message } of issues) expect(message).toMatch(MESSAGE);
  });

  it.each([
    ['', 'is empty'],
    [undefined, 'is missing'],
    [null, 'is null'],
    [5, 'is a number'],
    ['../files', 'contains a dot segment ("." or "..")'],
    ['file%2f1', 'contains a percent sign'],
    ['file\n1', 'contains a control character'],
    ['file-\ud800', 'contains half of a surrogate pair'],
    ['x'.repeat(513), 'has 513 characters, more than 512'],
  ])('says what is wrong with the file id %j', (training_file, problem) => {
    const message = `${problem}; expected the id of an uploaded file, such as file-abc123`;
    expect(issuesWith({ training_file })).toEqual([{ path: ['training_file'], message }]);
  });

  it.each([
    [{ suffix: 'x'.repeat(65) }, 'has 65 characters; expected a string of 1 to 64 characters'],
    [{ seed: -1 }, 'is -1; expected an integer from 0 to 2147483647'],
    [{ method: { type: 'sft' } }, 'is "sft"; expected one of supervised, dpo, reinforcement'],
    [{ model: '' }, 'is empty; expected the name of a model, such as gpt-4.1-mini'],
    [{ metadata: 'x'.repeat(100) }, `is "${'x'.repeat(40)}"; expected an object`],
  ])('says what is wrong with %j', (members, message) => {
    expect(issuesWith(members)).toMatchObject([{ message }]);
  });

  it('becomes a body without null members, and with the extra members in place', () => {
    const grader = { type: 'multi', name: 'm', calculate_output: 'a', graders: { a: { ...PYTHON, image_tag: null } } };
    expect(
      bodyWith({
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
        metadata: { extra: 'value' },
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
      metadata: { extra: 'value' },
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
  ])('is invalid with %s among its extra members', (name) => {
    expect(issuesWith({ extra: { [name]: null } })).toMatchObject([{ path: ['extra', name] }]);
  });

  it.each([
    ['supervised', { hyperparameters: { n_epochs: 2 } }, 'hyperparameters.n_epochs'],
    ['dpo', { hyperparameters: { n_epochs: 2 } }, 'hyperparameters.n_epochs'],
    ['reinforcement', { hyperparameters: { n_epochs: 2 } }, 'hyperparameters.n_epochs'],
    ['supervised', { hyperparameters: [] }, 'hyperparameters'],
    ['reinforcement', { grader: {} }, 'grader'],
  ])('is invalid when the extra members of %s are %j', (type, extra, path) => {
    const grader = type === 'reinforcement' && { grader: PYTHON };
    const method = { type, [type]: { hyperparameters: { n_epochs: 1 }, ...grader, extra } };
    expect(pathsOf(issuesWith({ method }))).toEqual([`method.${type}.extra.${path}`]);
  });

  it.each(METHODS)('merges extra hyperparameters with those of the method %s', (type) => {
    const grader = type === 'reinforcement' && { grader: PYTHON };
    const extra = { hyperparameters: { lora_r: 16, n_epochs: 3 } };
    const method = { type, [type]: { ...grader, hyperparameters: { batch_size: 4, n_epochs: null }, extra } };
    expect(bodyWith({ method })).toMatchObject({
      method: { [type]: { hyperparameters: { batch_size: 4, lora_r: 16, n_epochs: 3 } } },
    });
    const top = { hyperparameters: { lora_r: 8 } };
    expect(pathsOf(issuesWith({ method, extra: top }))).toEqual(['extra.hyperparameters.lora_r']);
  });

  it.each(['dpo', 'reinforcement'])('with the method %s is invalid for a server that knows no methods', (type) => {
    const method = { type, [type]: type === 'reinforcement' ? { grader: PYTHON } : {} };
    const issues = issuesWith({ method }, { limits: 'unknown', placement: 'top' });
    expect(issues).toEqual([{ path: ['method', type], message: expect.stringMatching(MESSAGE) }]);
  });

  it('accepts extra members of any name', () => {
    const extra = JSON.parse('{ "__proto__": { "a": 1 }, "constructor": 2 }');
    const validated = validateJobRequest({ model: 'm', training_file: 'f', extra }, OPENAI);
    expect(JSON.stringify(validated)).toContain('"__proto__":{"a":1},"constructor":2');
  });

  it('is invalid with extra members that are not an object or are nested too deep', () => {
    let deep: unknown = {};
    for (let depth = 0; depth < 5000; depth++) deep = [deep];
    for (const extra of [[], 'a', { deep }]) expect(pathsOf(issuesWith({ extra }))).toEqual(['extra']);
    const grader = { ...SCORE_MODEL, sampling_params: { deep } };
    expect(pathsOf(issuesWith({ method: { type: 'reinforcement', reinforcement: { grader } } }))).toEqual(['']);
    expect(validateGrader(grader, 'openai')).toMatchObject({ issues: [{ path: ['grader'] }] });
  });

  it('for a server of unknown limits is validated for types only', () => {
    const unknown = { limits: 'unknown' } as const;
    const method = { type: 'lora', dpo: null };
    const beyondLimits = {
      suffix: 'x'.repeat(1000),
      seed: -5,
      metadata: { ...pairs(30), ['k'.repeat(100)]: 'v'.repeat(9000) },
      method,
    };
    expect(issuesWith({ ...beyondLimits, integrations: [{ type: 'mlflow' }] }, unknown)).toEqual([]);
    const hyperparameters = { n_epochs: 500, batch_size: 4096, beta: 50, learning_rate_multiplier: -2 };
    expect(issuesWith({ method: { type: 'dpo', dpo: { hyperparameters } } }, unknown)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a seed that is not an integer', { seed: 1.5 }, 'seed'],
    ['a metadata value that is not a string', { metadata: { a: 5 } }, 'metadata.a'],
    [
      'epochs that are not a number',
      { method: { type: 'dpo', dpo: { hyperparameters: { n_epochs: 'many' } } } },
      'method.dpo.hyperparameters.n_epochs',
    ],
    ['no model', { model: undefined }, 'model'],
    ['a known member in extra', { extra: { model: 'b' } }, 'extra.model'],
  ])('for such a server is invalid with %s', (_, members, path) => {
    expect(pathsOf(issuesWith(members, { limits: 'unknown' }))).toEqual([path]);
  });

  it('results in a body or in issues for any JSON: property', () => {
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
        const validated = validateJobRequest(value, { limits });
        if ('issues' in validated) {
          expect(validated.issues.length).toBeGreaterThan(0);
          for (const { message } of validated.issues) expect(message).toMatch(MESSAGE);
        } else expect(JSON.parse(JSON.stringify(validated.body))).toMatchObject({ model: expect.any(String) });
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

  it.each(graders)('of the type %s is valid with its required members only', (type, members) => {
    const grader = { type, name: 'g', ...members };
    expect(validateGrader(grader, 'openai')).toEqual({ body: grader });
    const required = Object.keys(grader).filter((name) => !['image_tag', 'range', 'sampling_params'].includes(name));
    for (const name of required) {
      const checked = validateGrader({ ...grader, [name]: undefined }, 'openai');
      expect('issues' in checked && pathsOf(checked.issues), name).toEqual([`grader.${name}`]);
    }
  });

  it.each<[string, object, string]>([
    [
      'an unknown operation',
      { type: 'string_check', name: 'g', input: '', reference: '', operation: 'is' },
      'operation',
    ],
    [
      'an unknown metric',
      { type: 'text_similarity', name: 'g', input: '', reference: '', evaluation_metric: 'rouge_6' },
      'evaluation_metric',
    ],
    [
      'a range of three numbers',
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
      'labels, outside of a multi grader',
      { type: 'label_model', name: 'g', model: 'm', input: [], labels: [], passing_labels: [] },
      'type',
    ],
    [
      'a multi grader within a multi grader',
      { type: 'multi', name: 'g', calculate_output: 'a', graders: { a: { type: 'multi' } } },
      'graders.a.type',
    ],
    ['a multi grader without graders', { type: 'multi', name: 'g', calculate_output: 'a', graders: {} }, 'graders'],
  ])('is invalid with %s', (_, grader, path) => {
    const checked = validateGrader(grader, 'openai');
    expect('issues' in checked && pathsOf(checked.issues)).toEqual([`grader.${path}`]);
  });

  it.each([null, 5, [], {}, { type: 'other' }])('is invalid as %j', (grader) => {
    expect(validateGrader(grader, 'unknown')).toMatchObject({
      issues: [{ message: expect.stringContaining('a grader') }],
    });
  });
});
