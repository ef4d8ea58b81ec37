import { PAGES_PER_SCAN } from '../../store/resources/job-scan.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { isFineTuned, Model } from '../model/model.ts';
import { FineTuningJob } from './job.ts';

builder.objectField(Model, 'fineTuningJob', (t) =>
  t.field({
    type: FineTuningJob,
    description: `The job that created the model. Null for a base model, when no job among the newest 1000 has created it, and when the job was deleted. Models of one query share the reads: at most ${PAGES_PER_SCAN} upstream calls.`,
    extensions: cost({ calls: PAGES_PER_SCAN }),
    resolve: (model, _args, { loaders }) => (isFineTuned(model) ? loaders.jobOfModel(model.id) : null),
  }),
);
