import type { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './scalars.ts';
import './gateway.ts';
import './viewer.ts';
import './file.ts';
import './model.ts';
import './job.ts';
import './event.ts';
import './checkpoint.ts';
import './permission.ts';
import './metrics.ts';
import './progress.ts';
import './nodes.ts';
import './job-changes.ts';
import './job-creation.ts';
import './job-steering.ts';
import './grader-run.ts';
import './grader-validation.ts';
import './model-deletion.ts';
import './permission-creation.ts';
import './permission-deletion.ts';
import './file-upload.ts';
import './file-check.ts';
import './file-deletion.ts';
import './event-added.ts';
import './metrics-added.ts';

/** The whole graph. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema();
}
