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

/** Runs a grader on an answer. */
async function openGraders() {
  const { post } = await openWritable();
  const run = async (grader: object, model_sample = 'Yes', item: object = { answer: 'yes' }) =>
    (await post('/fine_tuning/alpha/graders/run', { grader, model_sample, item })).body;
  return { post, run, validate: (grader: unknown) => post('/fine_tuning/alpha/graders/validate', { grader }) };
}

describe('the run of a grader', () => {
  it('checks texts in four ways', async () => {
    const { run } = await openGraders();
    const rewards = async (answer: string) =>
      Promise.all(['eq', 'ne', 'like', 'ilike'].map(async (operation) => (await run(check(operation), answer)).reward));
    expect(await rewards('yes')).toEqual([1, 0, 1, 1]);
    expect(await rewards('Oh YES!')).toEqual([0, 1, 0, 1]);
    expect(await rewards('no')).toEqual([0, 1, 0, 0]);
  });

  it('answers with all that the document names', async () => {
    const { run } = await openGraders();
    const { metadata, ...rest } = await run(check('ilike'));
    expect(rest).toEqual({ reward: 1, sub_rewards: {}, model_grader_token_usage_per_model: {} });
    expect(metadata).toMatchObject({ name: 'check', type: 'string_check', scores: { check: 1 }, token_usage: null });
    expect(Object.keys(metadata.errors)).toHaveLength(14);
    expect(Object.values(metadata.errors).filter(Boolean)).toEqual([]);
  });

  it('looks into an answer that is JSON, and says when a variable is not there', async () => {
    const { run } = await openGraders();
    const grader = { ...check('eq', '7'), input: '{{sample.output_json.list.1.n}}' };
    expect((await run(grader, '{"list":[0,{"n":7}]}')).reward).toBe(1);
    const missing = await run(grader, 'no JSON');
    expect(missing).toMatchObject({ reward: 0, metadata: { errors: { invalid_variable_error: true } } });
    expect(await run(check('eq', '{{item.constructor.name}}'))).toMatchObject({ reward: 0 });
  });

  it('works out the formula of a multi grader, and says when it cannot', async () => {
    const { run } = await openGraders();
    const graders = { exact: check('eq'), near: check('ilike') };
    const multi = (calculate_output: string) => ({ type: 'multi', name: 'all', graders, calculate_output });
    expect(await run(multi('0.25 * exact + 0.5 * near'))).toMatchObject({
      reward: 0.5,
      sub_rewards: { exact: 0, near: 1 },
      metadata: { errors: { formula_parse_error: false } },
    });
    expect(await run(multi('exact + nobody'))).toMatchObject({
      reward: 0,
      metadata: { errors: { formula_parse_error: true } },
    });
  });

  it('makes up what Python or a model would say: always the same, in range, with the tokens of a model', async () => {
    const { run } = await openGraders();
    const model = { ...GRADERS.score_model, range: [2, 3] };
    const [one, again] = [await run(model), await run(model)];
    expect(again.reward).toBe(one.reward);
    expect(one.reward).toBeGreaterThanOrEqual(2);
    expect(one.reward).toBeLessThanOrEqual(3);
    expect(one.model_grader_token_usage_per_model).toEqual({ [model.model]: one.metadata.token_usage });
    const rewards = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map(async (text) => (await run(GRADERS.python, text)).reward),
    );
    expect(new Set(rewards)).toEqual(new Set([0, 1]));
  });
});

describe('the validation of a grader', () => {
  it('gives each good one back as it came', async () => {
    const { validate } = await openGraders();
    for (const grader of Object.values(GRADERS))
      expect(await validate(grader)).toMatchObject({ status: 200, body: { grader } });
  });

  it.each([
    ['no grader', undefined, 'grader'],
    ['one of no type', { name: 'x' }, 'grader.type'],
    ['one of an unknown type', { type: 'guess', name: 'x' }, 'grader.type'],
    ['a label model alone', GRADERS.multi.graders.politeness, 'grader.type'],
    ['no name', { ...check('eq'), name: undefined }, 'grader.name'],
    ['an unknown operation', check('is'), 'grader.operation'],
    ['an unknown metric', { ...GRADERS.text_similarity, evaluation_metric: 'taste' }, 'grader.evaluation_metric'],
    ['a range of three', { ...GRADERS.score_model, range: [0, 1, 2] }, 'grader.range'],
    ['a bad part', { ...GRADERS.multi, graders: { a: check('is') } }, 'grader.graders.a.operation'],
    ['a multi within a multi', { ...GRADERS.multi, graders: { a: GRADERS.multi } }, 'grader.graders.a.type'],
  ])('refuses %s, with its path', async (_, grader, param) => {
    const { validate } = await openGraders();
    expect(await validate(grader)).toMatchObject({ status: 400, body: { error: { param } } });
  });
});

describe('similarity', () => {
  it.each(METRICS)(
    'by %s is 1 for equal texts, 0 for texts with nothing in common, and between otherwise',
    (metric) => {
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
    },
  );

  it('is what the definitions say', () => {
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
  ])('gives %s', (formula, value) => {
    expect(evaluate(formula, { a: 0.5, b: 4 })).toBe(value);
  });

  it.each(['', '1 +', '(1', 'a b', 'nobody', '1 / 0', 'constructor', 'max()', '1;2', `${'('.repeat(500)}1`])(
    'refuses %s',
    (formula) => {
      expect(() => evaluate(formula, { a: 1 })).toThrow(FormulaError);
    },
  );
});
