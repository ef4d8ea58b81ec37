import { checkpointBody } from '../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../kit/bodies/event.ts';
import { fileBody } from '../kit/bodies/file.ts';
import { jobBody } from '../kit/bodies/job.ts';
import { modelBody } from '../kit/bodies/model.ts';

// The constant contents of an account. Three neighboring jobs share one of 35 training files, most have one of 20
// validation files, and each succeeded job has a model and a results file.

const JOBS = 500;
const TRAINING_FILES = 35;
const VALIDATION_FILES = 20;
const STEPS = 57;
const CHECKPOINTS = [60, 40, 20];

const BASE_MODELS = ['gpt-4.1-2025-04-14', 'gpt-4.1-mini-2025-04-14', 'gpt-4o-mini-2024-07-18'];
const STATUSES = [
  'succeeded',
  'succeeded',
  'running',
  'failed',
  'succeeded',
  'queued',
  'cancelled',
  'validating_files',
];

export type Entity = ReturnType<typeof jobBody>;

/** All jobs, newest first. */
export function allJobs(): Entity[] {
  return Array.from({ length: JOBS }, (_, index) => jobOf(JOBS - index));
}

/** A job by its number, from 1. */
export function jobOf(number: number): Entity {
  const status = STATUSES[number % STATUSES.length] ?? '';
  const created_at = createdAt(number);
  const results = status === 'succeeded' && {
    finished_at: created_at + 1800 + (number % 97),
    fine_tuned_model: modelIdOf(number),
    trained_tokens: 5_000 + ((number * 7919) % 900_000),
    result_files: [`file-result-${number}`],
  };
  return jobBody({
    id: `ftjob-${String(number).padStart(24, '0')}`,
    status,
    model: baseModelOf(number),
    created_at,
    seed: 1 + ((number * 104_729) % 2_000_000_000),
    training_file: `file-train-${Math.floor(number / 3) % TRAINING_FILES}`,
    validation_file: number % 4 === 3 ? null : `file-valid-${Math.floor(number / 5) % VALIDATION_FILES}`,
    metadata: { team: `team-${number % 5}` },
    ...results,
  });
}

/** The event log of a job, newest first. */
export function eventsOf(job: Entity, steps = STEPS): Entity[] {
  const events = Array.from({ length: steps }, (_, index) => stepBody(index + 1, steps));
  const done = eventBody('done', { message: 'The job has successfully completed' });
  return [eventBody('first'), ...events, done]
    .map((event, index) => ({
      ...event,
      id: `ftevent-${index}-${job.id.slice(6)}`,
      created_at: Number(job['created_at']) + index * 30,
    }))
    .reverse();
}

export function checkpointsOf(job: Entity): Entity[] {
  return CHECKPOINTS.map((step) =>
    checkpointBody(`ftckpt-${step}-${job.id.slice(6)}`, {
      fine_tuning_job_id: job.id,
      fine_tuned_model_checkpoint: `${job['fine_tuned_model'] ?? job['model']}:ckpt-step-${step}`,
      step_number: step,
      metrics: { step, train_loss: 15 / step, train_mean_token_accuracy: 0.5 + step / 200 },
    }),
  );
}

/** All training and validation files, newest first, then the results files. */
export function allFiles(): Entity[] {
  const numbered = (count: number, make: (number: number) => Entity) =>
    Array.from({ length: count }, (_, n) => make(n));
  return [
    ...numbered(TRAINING_FILES, (n) =>
      fileBody(`file-train-${n}`, { filename: `train-${n}.jsonl`, bytes: 100_000 + n }),
    ),
    ...numbered(VALIDATION_FILES, (n) =>
      fileBody(`file-valid-${n}`, { filename: `valid-${n}.jsonl`, bytes: 9_000 + n }),
    ),
    ...allJobs().flatMap(({ result_files }) =>
      (result_files as string[]).map((id) =>
        fileBody(id, { purpose: 'fine-tune-results', filename: 'step_metrics.csv' }),
      ),
    ), // As `jobOf` creates them.
  ];
}

export function allModels(): Entity[] {
  const fineTuned = allJobs().flatMap(({ fine_tuned_model: id }) => (typeof id === 'string' ? [id] : []));
  return [...BASE_MODELS.map((id) => modelBody(id)), ...fineTuned.map((id) => modelBody(id, { owned_by: 'acme' }))];
}

const createdAt = (number: number) => 1_760_000_000 + number * 600;
const baseModelOf = (number: number) => BASE_MODELS[number % BASE_MODELS.length] ?? '';
const modelIdOf = (number: number) => `ft:${baseModelOf(number)}:acme:suffix-${number % 40}:${number}`;
