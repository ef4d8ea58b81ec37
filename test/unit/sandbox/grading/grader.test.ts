import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, FormulaError } from '../../../../src/sandbox/grading/formula.ts';
import { METRICS, similarity } from '../../../../src/sandbox/grading/similarity.ts';
import { GRADERS } from '../../../../src/sandbox/seed/scenario-graders.ts';
import { openWritable } from '../write.ts';

const check = (operation: string, reference = '{{item.answer}}') => ({
  type: 'string_check',
  name: 'check',
  input: '{{ sample.output_text }}',
  reference,
  operation,
});

/** Opens a sandbox with functions that run and validate graders. */
async function openGraders() {
  const { post } = await openWritable();
  const run = async (grader: object, model_sample = 'Yes', item: object = { answer: 'yes' }) =>
    (await post('/fine_tuning/alpha/graders/run', { grader, model_sample, item })).body;
  return { post, run, validate: (grader: unknown) => post('/fine_tuning/alpha/graders/validate', { grader }) };
}

describe('POST /fine_tuning/alpha/graders/run', () => {
  it('computes the four operations of a string check', async () => {
    const { run } = await openGraders();
    const rewards = async (answer: string) =>
      Promise.all(['eq', 'ne', 'like', 'ilike'].map(async (operation) => (await run(check(operation), answer)).reward));
    expect(await rewards('yes')).toEqual([1, 0, 1, 1]);
    expect(await rewards('Oh YES!')).toEqual([0, 1, 0, 1]);
    expect(await rewards('no')).toEqual([0, 1, 0, 0]);
  });

  it('returns all members of the schema', async () => {
    const { run } = await openGraders();
    const { metadata, ...rest } = await run(check('ilike'));
    expect(rest).toEqual({ reward: 1, sub_rewards: {}, model_grader_token_usage_per_model: {} });
    expect(metadata).toMatchObject({ name: 'check', type: 'string_check', scores: { check: 1 }, token_usage: null });
    expect(Object.keys(metadata.errors)).toHaveLength(14);
    expect(Object.values(metadata.errors).filter(Boolean)).toEqual([]);
  });

  it('resolves variables in a JSON sample, and reports an unknown variable', async () => {
    const { run } = await openGraders();
    const grader = { ...check('eq', '7'), input: '{{sample.output_json.list.1.n}}' };
    expect((await run(grader, '{"list":[0,{"n":7}]}')).reward).toBe(1);
    const missing = await run(grader, 'no JSON');
    expect(missing).toMatchObject({ reward: 0, metadata: { errors: { invalid_variable_error: true } } });
    expect(await run(check('eq', '{{item.constructor.name}}'))).toMatchObject({ reward: 0 });
  });

  it('evaluates the formula of a multi grader, and reports an invalid formula', async () => {
    const { run } = await openGraders();
    const graders = { exact: check('eq'), near: check('ilike') };
    const multi = (calculate_output: string) => ({ type: 'multi', name: 'all', graders, calculate_output });
    expect(await run(multi('0.25 * exact + 0.5 * near'))).toMatchObject({
      reward: 0.5,
      sub_rewards: { exact: 0, near: 1 },
      metadata: { errors: { formula_parse_error: false } },
    });
    expect(await run(multi('exact + unknown'))).toMatchObject({
      reward: 0,
      metadata: { errors: { formula_parse_error: true } },
    });
  });

  it('generates results of Python and models: deterministic, in range, with token usage', async () => {
    const { run } = await openGraders();
    const model = { ...GRADERS.score_model, range: [2, 3] };
    const [first, second] = [await run(model), await run(model)];
    expect(second.reward).toBe(first.reward);
    expect(first.reward).toBeGreaterThanOrEqual(2);
    expect(first.reward).toBeLessThanOrEqual(3);
    expect(first.model_grader_token_usage_per_model).toEqual({ [model.model]: first.metadata.token_usage });
    const rewards = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map(async (text) => (await run(GRADERS.python, text)).reward),
    );
    expect(new Set(rewards)).toEqual(new Set([0, 1]));
  });
});

describe('POST /fine_tuning/alpha/graders/validate', () => {
  it('returns each valid grader unchanged', async () => {
    const { validate } = await openGraders();
    for (const grader of Object.values(GRADERS))
      expect(await validate(grader)).toMatchObject({ status: 200, body: { grader } });
  });

  it.each([
    ['no grader', undefined, 'grader'],
    ['a grader without a type', { name: 'x' }, 'grader.type'],
    ['an unknown type', { type: 'guess', name: 'x' }, 'grader.type'],
    ['a label model outside of a multi grader', GRADERS.multi.graders.politeness, 'grader.type'],
    ['no name', { ...check('eq'), name: undefined }, 'grader.name'],
    ['an unknown operation', check('is'), 'grader.operation'],
    ['an unknown metric', { ...GRADERS.text_similarity, evaluation_metric: 'taste' }, 'grader.evaluation_metric'],
    ['a range of three numbers', { ...GRADERS.score_model, range: [0, 1, 2] }, 'grader.range'],
    ['an invalid part', { ...GRADERS.multi, graders: { a: check('is') } }, 'grader.graders.a.operation'],
    ['a multi within a multi', { ...GRADERS.multi, graders: { a: GRADERS.multi } }, 'grader.graders.a.type'],
  ])('rejects %s, with its path', async (_, grader, param) => {
    const { validate } = await openGraders();
    expect(await validate(grader)).toMatchObject({ status: 400, body: { error: { param } } });
  });
});

describe('similarity', () => {
  it.each(METRICS)('by %s is 1 for equal texts, 0 for texts without overlap, and from 0 to 1 for others', (metric) => {
    const text = 'the quick brown fox jumps over it';
    expect(similarity(metric, text, text)).toBeCloseTo(1, 9);
    expect(similarity(metric, 'zzz', 'aaa')).toBe(0);
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const value = similarity(metric, one, other);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('has the values of the definitions', () => {
    const [text, reference] = ['the cat sat', 'the cat sat down'];
    expect(similarity('fuzzy_match', 'hello world', 'hello word')).toBeCloseTo(20 / 21, 9);
    expect(similarity('rouge_1', text, reference)).toBeCloseTo(6 / 7, 9);
    expect(similarity('rouge_2', text, reference)).toBeCloseTo(4 / 5, 9);
    expect(similarity('rouge_l', 'the sat cat', reference)).toBeCloseTo(4 / 7, 9);
    expect(similarity('bleu', text, reference)).toBeCloseTo(Math.exp(1 - 4 / 3), 9);
    expect(similarity('gleu', text, reference)).toBeCloseTo(6 / 10, 9);
    expect(similarity('cosine', text, reference)).toBeCloseTo(3 / Math.sqrt(12), 9);
  });
});

describe('evaluate', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['-a + 10 / 4 - 1', 1],
    ['max(a, 2, b) + min(a, b)', 4.5],
    ['sqrt(16) + abs(-1) + floor(1.9)', 6],
    ['2 - 1 - 1', 0],
    [' 1e2 ', 100],
  ])('evaluates %s', (formula, value) => {
    expect(evaluate(formula, { a: 0.5, b: 4 })).toBe(value);
  });

  it.each(['', '1 +', '(1', 'a b', 'unknown', '1 / 0', 'constructor', 'max()', '1;2', `${'('.repeat(500)}1`])(
    'rejects %s',
    (formula) => {
      expect(() => evaluate(formula, { a: 1 })).toThrow(FormulaError);
    },
  );
});
