import { describe, expect, it } from 'vitest';
import { encodeGrader } from '../../../../src/schema/grader/grader-encoder.ts';
import { inputIssues } from '../../../../src/schema/mutation/input-issue.ts';
import { validateGrader } from '../../../../src/upstream/requests/grader-request.ts';
import type { Issue } from '../../../../src/upstream/requests/validation.ts';

const pathOf = (path: Issue['path'], detours: Parameters<typeof inputIssues>[1] = []) =>
  inputIssues([{ path, message: 'expected better' }], detours)[0]?.path;

describe('the place of an issue', () => {
  it.each<[Issue['path'], string[]]>([
    [[], []],
    [['model'], ['modelId']],
    [['training_file'], ['trainingFileId']],
    [['validation_file'], ['validationFileId']],
    [['suffix'], ['suffix']],
    [
      ['method', 'supervised', 'hyperparameters', 'n_epochs'],
      ['method', 'supervised', 'hyperparameters', 'nEpochs'],
    ],
    [
      ['method', 'dpo', 'hyperparameters', 'learning_rate_multiplier'],
      ['method', 'dpo', 'hyperparameters', 'learningRateMultiplier'],
    ],
    [
      ['integrations', 1, 'wandb', 'tags', 0],
      ['integrations', '1', 'wandb', 'tags', '0'],
    ],
    [
      ['extra', 'training_file'],
      ['extra', 'training_file'],
    ],
    [
      ['method', 'dpo', 'extra', 'model'],
      ['method', 'dpo', 'extra', 'model'],
    ],
  ])('%j is %j in the input', (wire, input) => {
    expect(pathOf(wire)).toEqual(input);
  });

  it('is told by the detour that the input makes there, and by no other', () => {
    const detour = { at: ['method', 'dpo_like'], path: (below: Issue['path']) => ['here', ...below.map(String)] };
    expect(pathOf(['method', 'dpo_like', 'a_b'], [detour])).toEqual(['method', 'dpoLike', 'here', 'a_b']);
    expect(pathOf(['method', 'other', 'a_b'], [detour])).toEqual(['method', 'other', 'aB']);
  });
});

describe('a grader of a client', () => {
  const check = { name: 'same', input: 'a', reference: 'b', operation: 'EQ' } as const;
  const model = { name: 'judge', modelId: 'gpt-4o', messages: [{ role: 'user', content: 'Judge.' }] };

  it.each([
    [{ stringCheck: check }, { type: 'string_check', name: 'same', input: 'a', reference: 'b', operation: 'eq' }],
    [
      { textSimilarity: { name: 'like', input: 'a', reference: 'b', evaluationMetric: 'ROUGE_L' } },
      { type: 'text_similarity', name: 'like', input: 'a', reference: 'b', evaluation_metric: 'rouge_l' },
    ],
    [
      { python: { name: 'code', source: 'def grade(sample, item): return 1', imageTag: '2025-05-08' } },
      { type: 'python', name: 'code', source: 'def grade(sample, item): return 1', image_tag: '2025-05-08' },
    ],
    [
      { scoreModel: { ...model, range: [0, 10], samplingParams: { top_p: 1 } } },
      {
        type: 'score_model',
        name: 'judge',
        model: 'gpt-4o',
        input: model.messages,
        range: [0, 10],
        sampling_params: { top_p: 1 },
      },
    ],
    [
      {
        multi: {
          name: 'all',
          calculateOutput: 'one + 2',
          graders: [
            { name: 'one', grader: { stringCheck: check } },
            { name: '2', grader: { labelModel: { ...model, labels: ['good', 'bad'], passingLabels: ['good'] } } },
          ],
        },
      },
      {
        type: 'multi',
        name: 'all',
        calculate_output: 'one + 2',
        graders: {
          one: { type: 'string_check', name: 'same', input: 'a', reference: 'b', operation: 'eq' },
          2: {
            type: 'label_model',
            name: 'judge',
            model: 'gpt-4o',
            input: model.messages,
            labels: ['good', 'bad'],
            passing_labels: ['good'],
          },
        },
      },
    ],
  ] satisfies [Parameters<typeof encodeGrader>[0], object][])('is on the wire what OpenAI has: %j', (given, wire) => {
    const draft = encodeGrader(given);
    expect(draft.issues).toEqual([]);
    for (const limits of ['openai', 'unknown'] as const)
      expect(validateGrader(draft.wire, limits)).toEqual({ body: wire });
  });

  it('has all its issues where the client can find them', () => {
    const draft = encodeGrader({
      multi: {
        name: '',
        calculateOutput: '',
        graders: [
          { name: '1', grader: { stringCheck: { ...check, operation: 'UNKNOWN' } } },
          { name: '0', grader: { scoreModel: { ...model, name: '', messages: [], samplingParams: 7 } } },
          { name: '1', grader: { python: { name: 'code', source: '' } } },
          { name: '', grader: { stringCheck: check } },
          { name: '__proto__', grader: { stringCheck: check } },
        ],
      },
    });
    const checked = validateGrader(draft.wire, 'openai');
    const detour = { at: ['grader'], path: draft.path };
    const places = inputIssues('issues' in checked ? checked.issues : [], [detour]).map(({ path }) => path.join('.'));
    expect(places.sort()).toEqual([
      'grader.multi.calculateOutput',
      'grader.multi.graders.0.grader.stringCheck.operation',
      'grader.multi.graders.1.grader.scoreModel.messages',
      'grader.multi.graders.1.grader.scoreModel.name',
      'grader.multi.graders.1.grader.scoreModel.samplingParams',
      'grader.multi.graders.2.grader.python.source',
      'grader.multi.name',
    ]);
    expect(draft.issues.map(({ path }) => path.join('.'))).toEqual([
      'multi.graders.2.name',
      'multi.graders.3.name',
      'multi.graders.4.name',
    ]);
  });
});
