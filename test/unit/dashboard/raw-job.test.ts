import { describe, expect, it } from 'vitest';
import { otherProperties } from '../../../src/dashboard/start/draft/raw-job.ts';
import { jobBody } from '../../kit/bodies/job.ts';

const NOTHING = { extra: {}, methodExtra: {}, uncertain: [] };

describe('the properties of a job that a form has no field for', () => {
  it('are none in a job of OpenAI, and none without a job', () => {
    expect(otherProperties(jobBody(), 'supervised')).toEqual(NOTHING);
    expect(otherProperties(null, '')).toEqual(NOTHING);
    expect(otherProperties({ method: 5, hyperparameters: [] }, 'dpo')).toEqual(NOTHING);
  });

  it('are hyperparameters of the method, and those of the job once', () => {
    const raw = {
      hyperparameters: { n_epochs: 3, lora_r: 16, warmup: 0.1 },
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 3, lora_r: 16 } } },
    };
    expect(otherProperties(raw, 'supervised')).toEqual({
      extra: { hyperparameters: { warmup: 0.1 } },
      methodExtra: { hyperparameters: { lora_r: 16 } },
      uncertain: [],
    });
    expect(otherProperties(raw, '').extra).toEqual({ hyperparameters: { lora_r: 16, warmup: 0.1 } });
  });

  it('are only named where the upstream may have set them, and left out when they are null', () => {
    const grader = { type: 'string_check', name: 'a', strict: true, note: null };
    const raw = jobBody({ trainingType: 'Standard', region: null, method: { reinforcement: { grader, mode: 'x' } } });
    expect(otherProperties(raw, 'reinforcement')).toEqual({
      extra: {},
      methodExtra: { mode: 'x' },
      uncertain: ['trainingType', 'method.reinforcement.grader.strict'],
    });
  });
});
