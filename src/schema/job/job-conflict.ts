import { builder } from '../core/builder.ts';
import { ConflictError } from '../mutation/failure-types.ts';
import { FineTuningJob } from './job.ts';

builder.objectField(ConflictError, 'fineTuningJob', (t) =>
  t.field({
    type: FineTuningJob,
    description:
      'The job that causes the conflict, in its current state: the job of the mutation, or the job that was created with the same `idempotencyKey`. Null when it was deleted.',
    resolve: ({ job }) => job,
  }),
);
