import { describe, expect, it } from 'vitest';
import { EMPTY_VALUES } from '../../../src/dashboard/start/draft/draft.ts';
import { placeRejection } from '../../../src/dashboard/start/draft/field-errors.ts';
import { encodeDraft } from '../../../src/dashboard/start/draft/job-input.ts';
import { fileWarnings } from '../../../src/dashboard/start/upload/file-facts.ts';

const VALID = { ...EMPTY_VALUES, trainingFileId: 'file-a', modelId: 'gpt-4.1' };

function errorsOf(values: Partial<typeof EMPTY_VALUES>) {
  const encoded = encodeDraft({ ...VALID, ...values }, 'key');
  return encoded.ok ? null : encoded.errors;
}

describe('the errors of a form', () => {
  const hyperparameters = { nEpochs: '99', batchSize: 'many', learningRateMultiplier: '0' };
  const outOfRange = {
    suffix: 's'.repeat(65),
    seed: '-1',
    metadata: [
      { key: 'team', value: 'v'.repeat(513) },
      { key: 'team', value: '' },
    ],
  };

  it('are texts that are no numbers and values out of range, at once', () => {
    expect(errorsOf({ ...outOfRange, hyperparameters })).toEqual({
      'method.supervised.hyperparameters.nEpochs': 'is 99; expected auto or an integer from 1 to 50',
      'method.supervised.hyperparameters.batchSize': 'is no whole number; expected one, or nothing for auto',
      'method.supervised.hyperparameters.learningRateMultiplier': 'is 0; expected auto or a number above 0',
      suffix: 'has 65 characters; expected a string of 1 to 64 characters',
      seed: 'is -1; expected an integer from 0 to 2147483647',
      'metadata.0.value': 'has 513 characters; expected a string of at most 512 characters',
      'metadata.1.key': 'is also the key of an earlier pair; expected a key that is used once, such as team',
    });
  });

  it('leave values out of range to the gateway when all can be sent: another upstream has other limits', () => {
    expect(errorsOf({ ...outOfRange, hyperparameters: { nEpochs: '99' } })).toBeNull();
  });

  it('are none of valid values at the limits', () => {
    const values = { suffix: 's'.repeat(64), seed: '2147483647', hyperparameters: { nEpochs: '50', batchSize: '1' } };
    expect(errorsOf({ ...values, modelId: '' })).toEqual({ modelId: expect.stringContaining('is empty') });
  });

  it('say that a grader is empty', () => {
    expect(errorsOf({ method: 'reinforcement' })).toEqual({
      'method.reinforcement.grader': expect.stringMatching(/^is empty; expected an object such as/),
    });
  });
});

describe('a rejection of the upstream', () => {
  it('belongs to the field whose id it names, as a whole word', () => {
    const ofModel = "The model 'gpt-4.1' does not exist";
    expect(placeRejection(ofModel, VALID)).toEqual({ modelId: ofModel });
    expect(placeRejection('No file file-a.', VALID)).toEqual({ trainingFileId: 'No file file-a.' });
    expect(placeRejection('The model gpt-4.1-mini is busy.', VALID)).toEqual({});
    expect(placeRejection('Too many jobs.', VALID)).toEqual({});
    expect(placeRejection(null, VALID)).toEqual({});
  });
});

describe('the warnings of a training file', () => {
  const facts = { fileId: 'file-a', exampleCount: 10, members: new Set(['messages', 'answer']) };

  it('are of too few examples', () => {
    expect(fileWarnings(facts, '')).toEqual([]);
    expect(fileWarnings({ ...facts, exampleCount: 1 }, '')).toEqual([
      'The training file has 1 example: OpenAI expects at least 10, and fails the job otherwise.',
    ]);
  });

  it('name each member that a grader reads and no example has', () => {
    const grader = '{"a": "{{item.answer.text}} {{ item.anser }} {{item.anser}} {{sample.output_text}} {{item.un"}';
    expect(fileWarnings(facts, grader)).toEqual([
      'The grader reads item.anser, but no example of the training file has a member anser.',
    ]);
    expect(fileWarnings({ ...facts, members: null }, grader)).toEqual([]);
  });
});
