import { ApiError } from '../api/api-error.ts';
import type { FilePlan } from '../artifacts/file.ts';
import { createdJobBody } from '../artifacts/job.ts';
import { checkQuota } from '../state/quota.ts';
import type { State } from '../state/state.ts';
import type { ExampleKind } from '../training-file/example-validation.ts';
import { validateFile } from '../training-file/file-validation.ts';
import { findTunableModel, type TunableModel } from './base-model-lookup.ts';
import { type CreateRequest, readCreateRequest } from './create-request.ts';
import { planCreatedJob } from './plan-job.ts';
import type { ApiRequest } from './route.ts';

export async function createJob({ body, now: receivedAt, clock }: ApiRequest, state: State): Promise<object> {
  const request = readCreateRequest(body);
  const found = resolveReferences(request, state, receivedAt);
  const kind = exampleKindOf(request, found.tunable);
  const [training, validation] = await Promise.all([
    validateFile(found.training, kind, 'training_file'),
    found.validation && validateFile(found.validation, kind, 'validation_file'),
  ]);
  // Checked again: during the validation, a file may be deleted, and another request may use up the quota.
  const now = clock.now();
  const { tunable } = resolveReferences(request, state, now);
  const { account, speed, writes } = state;
  const number = writes.nextNumber();
  const plan = planCreatedJob(request, { account, speed, now, number, tunable, training, validation });
  writes.addJob(plan);
  return createdJobBody(plan, now);
}

/** Finds the files and the model of a request, and checks the quota. Throws ApiError. */
function resolveReferences({ model, trainingFile, validationFile }: CreateRequest, state: State, now: number) {
  const files = state.filesAt(now);
  const training = findFile(files, trainingFile, 'training_file');
  const validation = validationFile === null ? null : findFile(files, validationFile, 'validation_file');
  const tunable = findTunableModel(model, state, now);
  checkQuota(state.quota, state.writes.jobs, tunable.model, now);
  return { training, validation, tunable };
}

function findFile(files: readonly FilePlan[], id: string, param: string): FilePlan {
  const file = files.find((file) => file.id === id);
  if (file?.purpose !== 'fine-tune') throw new ApiError(400, `invalid ${param}: ${id}`, param);
  return file;
}

function exampleKindOf({ method }: CreateRequest, { base }: TunableModel): ExampleKind {
  if (method.type === 'dpo') return 'preference';
  if (method.type === 'reinforcement') return 'prompt';
  return /^(babbage|davinci)/.test(base) ? 'completion' : 'chat';
}
