import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { type Grader, graderSchema } from './grader.ts';
import { nullIfInvalid } from './lenient-schema.ts';

// `token_usage` is a number by the document and an object in its example (docs/upstream.md: Objects): what is open stays JSON.
const anything = z
  .unknown()
  .optional()
  .transform((value) => value ?? null);
const metadataFields = z.object({
  name: nullIfInvalid(z.string()),
  type: nullIfInvalid(z.string()),
  errors: nullIfInvalid(z.record(z.string(), z.unknown())),
  execution_time: nullIfInvalid(z.number()),
  scores: anything,
  token_usage: anything,
  sampled_model_name: nullIfInvalid(z.string()),
});
const runFields = z.object({
  reward: nullIfInvalid(z.number()),
  metadata: nullIfInvalid(metadataFields),
  sub_rewards: anything,
  model_grader_token_usage_per_model: anything,
});
const validationFields = z.object({ grader: graderSchema });

/** What a grader gave for a sample, in wire spelling, repaired. */
export type GraderRun = z.output<typeof runFields>;

/** What a grader has told of a run. */
export type GraderRunMetadata = z.output<typeof metadataFields>;

/** What a grader is run on. */
export interface GraderSample {
  readonly grader: unknown;
  readonly model_sample: string;
  readonly item?: unknown;
}

export interface GraderResource {
  /** POST /fine_tuning/alpha/graders/run: once, as it may call models. Throws UpstreamError. */
  run(sample: GraderSample, call: Call): Promise<GraderRun>;
  /** POST /fine_tuning/alpha/graders/validate: gives the grader as the upstream understands it. Throws UpstreamError. */
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
