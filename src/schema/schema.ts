import { GraphQLSchema } from 'graphql';
import { builder } from './core/builder.ts';
import { meterFields } from './core/metered-fields.ts';
import { SCHEMA_DESCRIPTION } from './schema-description.ts';
import './core/scalars.ts';
import './gateway.ts';
import './viewer.ts';
import './file/file.ts';
import './model/model.ts';
import './model/fine-tunability.ts';
import './job/job.ts';
import './event/event.ts';
import './checkpoint/checkpoint.ts';
import './checkpoint/permission.ts';
import './metrics/metrics.ts';
import './job/progress.ts';
import './job/times.ts';
import './job/training-estimate.ts';
import './job/model-job.ts';
import './nodes.ts';
import './job/job-subscriptions.ts';
import './job/progress-subscriptions.ts';
import './job/job-conflict.ts';
import './job/job-creation.ts';
import './job/job-control.ts';
import './grader/grader-run.ts';
import './grader/grader-validation.ts';
import './model/model-deletion.ts';
import './checkpoint/permission-creation.ts';
import './checkpoint/permission-deletion.ts';
import './file/file-upload.ts';
import './file/file-check.ts';
import './file/file-deletion.ts';
import './event/event-subscription.ts';
import './metrics/metrics-subscription.ts';

/** Builds the schema of all types that the imported files define. */
export function createSchema(): GraphQLSchema {
  // Pothos has no option for the description of the schema.
  const schema = new GraphQLSchema({ ...builder.toSchema().toConfig(), description: SCHEMA_DESCRIPTION });
  meterFields(schema);
  return schema;
}
