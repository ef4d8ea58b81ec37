import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { type Grader, graderSchema } from './grader.ts';
import { nullIfInvalid, numberOrNull, textOrNull } from './lenient-schema.ts';

// `token_usage` is a number in the API specification and an object in its example (docs/upstream.md: Objects).
const anyJson = z
  .unknown()
  .optional()
  .transform((value) => value ?? null);
const metadataFields = z.object({
  name: textOrNull,
  type: textOrNull,
  errors: nullIfInvalid(z.record(z.string(), z.unknown())),
  execution_time: numberOrNull,
  scores: anyJson,
  token_usage: anyJson,
  sampled_model_name: textOrNull,
});
const runFields = z.object({
  reward: numberOrNull,
  metadata: nullIfInvalid(metadataFields),
  sub_rewards: anyJson,
  model_grader_token_usage_per_model: anyJson,
});
const validationFields = z.object({ grader: graderSchema });

/** The result of running a grader on a sample, in wire spelling; invalid members are null. */
export type GraderRun = z.output<typeof runFields>;

/** Details of a grader run. */
export type GraderRunMetadata = z.output<typeof metadataFields>;

/** A grader and the model sample to grade. */
export interface GraderSample {
  readonly grader: unknown;
  readonly model_sample: string;
  readonly item?: unknown;
}

export interface GraderResource {
  /** POST /fine_tuning/alpha/graders/run. Never retried, as it may call models. Throws UpstreamError. */
  run(sample: GraderSample, call: Call): Promise<GraderRun>;
  /** POST /fine_tuning/alpha/graders/validate. Returns the grader as parsed by the upstream. Throws UpstreamError. */
  validate(grader: unknown, call: Call): Promise<Grader>;
}

export function createGraderResource(rest: RestClient): GraderResource {
  return {
    run: (sample, call) =>
      rest.post(path`/fine_tuning/alpha/graders/run`, sample, (body) => runFields.parse(body), call),
    validate: (grader, call) =>
      rest.post(path`/fine_tuning/alpha/graders/validate`, { grader }, readValidation, call, 'always'),
  };
}

const readValidation = (body: unknown) => validationFields.parse(body).grader;
