import { describe, expect, it } from 'vitest';
import { encodeGrader } from '../../../../src/schema/grader/grader-encoder.ts';
import { inputIssues } from '../../../../src/schema/mutation/input-issue.ts';
import { validateGrader } from '../../../../src/upstream/requests/grader-request.ts';
import type { Issue } from '../../../../src/upstream/requests/validation.ts';

const pathOf = (path: Issue['path'], mappings: Parameters<typeof inputIssues>[1] = []) =>
  inputIssues([{ path, message: 'is empty' }], mappings)[0]?.path;

describe('the path of an issue', () => {
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

  it('follows the mapping of its part of the request, and no other', () => {
    const mapping = { at: ['method', 'dpo_like'], path: (rest: Issue['path']) => ['here', ...rest.map(String)] };
    expect(pathOf(['method', 'dpo_like', 'a_b'], [mapping])).toEqual(['method', 'dpoLike', 'here', 'a_b']);
    expect(pathOf(['method', 'other', 'a_b'], [mapping])).toEqual(['method', 'other', 'aB']);
  });
});

describe('a grader of an input', () => {
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
  ] satisfies [Parameters<typeof encodeGrader>[0], object][])('has the REST form of OpenAI: %j', (input, wire) => {
    const encoded = encodeGrader(input);
    expect(encoded.issues).toEqual([]);
    for (const limits of ['openai', 'unknown'] as const)
      expect(validateGrader(encoded.wire, limits)).toEqual({ body: wire });
  });

  it('has every issue at its path in the input', () => {
    const encoded = encodeGrader({
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
    const checked = validateGrader(encoded.wire, 'openai');
    const mapping = { at: ['grader'], path: encoded.path };
    const paths = inputIssues('issues' in checked ? checked.issues : [], [mapping]).map(({ path }) => path.join('.'));
    expect(paths.sort()).toEqual([
      'grader.multi.calculateOutput',
      'grader.multi.graders.0.grader.stringCheck.operation',
      'grader.multi.graders.1.grader.scoreModel.messages',
      'grader.multi.graders.1.grader.scoreModel.name',
      'grader.multi.graders.1.grader.scoreModel.samplingParams',
      'grader.multi.graders.2.grader.python.source',
      'grader.multi.name',
    ]);
    expect(encoded.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'multi.graders.2.name: is also the name of an earlier grader; expected a name that is used once, such as accuracy',
      'multi.graders.3.name: is empty; expected a name, such as accuracy',
      'multi.graders.4.name: is __proto__, which is reserved; expected another name, such as accuracy',
    ]);
  });
});
