import type { Point } from '../chart/metric.ts';
import type { JobDetails } from './job-store.ts';

type EpochFacts = Pick<JobDetails, 'status' | 'method' | 'hyperparameters' | 'progress'>;

/** Facts of a job that the curve and the checkpoints show. Steps are ascending. */
interface EpochMarks {
  readonly points: readonly Pick<Point, 'step' | 'fullValidLoss' | 'fullValidMeanTokenAccuracy'>[];
  readonly checkpointSteps: readonly number[];
}

/** Steps of one epoch: by the hyperparameters, or by what happens at the end of each epoch. Null when neither shows it. */
export function stepsPerEpochOf(job: EpochFacts, marks: EpochMarks): number | null {
  return fromHyperparameters(job, marks) ?? fromProgress(job) ?? fromMarks(job, marks);
}

/** A job can have its hyperparameters twice, and one of the two can still be `auto`. */
function fromHyperparameters(job: EpochFacts, { points }: EpochMarks): number | null {
  const ofMethod = job.method !== null && 'hyperparameters' in job.method ? job.method.hyperparameters : null;
  const epochs = [ofMethod?.nEpochs, job.hyperparameters?.nEpochs].find((count) => typeof count === 'number');
  const steps = job.progress?.totalSteps ?? (job.status === 'SUCCEEDED' ? points.at(-1)?.step : null);
  return typeof epochs === 'number' && epochs > 0 && steps ? steps / epochs : null;
}

/** The gateway can know the number of epochs from a newer state of the job. */
function fromProgress({ status, progress }: EpochFacts): number | null {
  return status === 'RUNNING' && progress?.step && progress.epoch ? progress.step / progress.epoch : null;
}

/** The whole validation file is measured at the end of each epoch, and a checkpoint is made: not so in reinforcement. */
function fromMarks({ method }: EpochFacts, { points, checkpointSteps }: EpochMarks): number | null {
  if (method?.rawType === 'reinforcement') return null;
  const validations = points
    .filter(({ fullValidLoss, fullValidMeanTokenAccuracy }) => (fullValidLoss ?? fullValidMeanTokenAccuracy) !== null)
    .map(({ step }) => step);
  return distanceOf(validations) ?? distanceOf(checkpointSteps.toSorted((a, b) => a - b));
}

/** The distance of at least two steps that are its multiples; null when there is none. The first ones can be missing. */
function distanceOf(steps: readonly number[]): number | null {
  const distance = Math.min(...steps.slice(1).map((step, index) => step - (steps[index] ?? 0)));
  return Number.isFinite(distance) && distance > 0 && steps.every((step) => step % distance === 0) ? distance : null;
}
