import { type Members, membersOf } from '../../../upstream/json/members.ts';
import type { TrainingMethod } from '../upload/file-check.ts';

// The properties of a job for which the schema has no field, from the job as the upstream sent it.

/** Properties to copy as `extra`, and names of those that may be results of the job. */
export interface OtherProperties {
  readonly extra: Members;
  readonly methodExtra: Members;
  readonly uncertain: readonly string[];
}

/** Members of a job that the other fields of a draft have, or that the upstream sets. */
const KNOWN = new Set([
  ...['id', 'object', 'status', 'model', 'created_at', 'finished_at', 'estimated_finish', 'updated_at', 'error'],
  ...['organization_id', 'seed', 'user_provided_suffix', 'suffix', 'fine_tuned_model', 'training_file'],
  ...['validation_file', 'result_files', 'trained_tokens', 'hyperparameters', 'method', 'integrations', 'metadata'],
  ...['shared_with_openai', 'eval_id', 'usage_metrics', 'events', 'checkpoints'],
]);

const HYPERPARAMETERS = new Set([
  ...['n_epochs', 'batch_size', 'learning_rate_multiplier', 'beta', 'compute_multiplier'],
  ...['eval_interval', 'eval_samples', 'reasoning_effort'],
]);

const GRADER = new Set([
  ...['type', 'name', 'input', 'reference', 'operation', 'evaluation_metric', 'source', 'image_tag', 'model'],
  ...['range', 'sampling_params', 'labels', 'passing_labels', 'calculate_output', 'graders'],
]);

/** Returns what the other fields of a draft leave out. `raw` is the job in the form of the REST API. */
export function otherProperties(raw: unknown, method: TrainingMethod): OtherProperties {
  const job = membersOf(raw);
  const { hyperparameters, grader, ...methodExtra } = membersOf(membersOf(job['method'])[method]);
  const ofMethod = without(hyperparameters, HYPERPARAMETERS);
  const ofJob = without(job['hyperparameters'], new Set([...HYPERPARAMETERS, ...Object.keys(ofMethod)]));
  return {
    extra: withHyperparameters({}, ofJob),
    methodExtra: withHyperparameters(without(methodExtra, new Set()), ofMethod),
    uncertain: [
      ...Object.keys(without(job, KNOWN)),
      ...Object.keys(without(grader, GRADER)).map((name) => `method.${method}.grader.${name}`),
    ],
  };
}

const without = (value: unknown, names: ReadonlySet<string>): Members =>
  Object.fromEntries(Object.entries(membersOf(value)).filter(([name, member]) => !names.has(name) && isSet(member)));

const isSet = (value: unknown) => value !== null && !(Array.isArray(value) && value.length === 0);

const withHyperparameters = (members: Members, hyperparameters: Members): Members =>
  Object.keys(hyperparameters).length === 0 ? members : { ...members, hyperparameters };
