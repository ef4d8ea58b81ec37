import type { EventBody } from '../../upstream/resources/event.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { type JobStatus, statusChangedAt } from '../simulation/lifecycle.ts';
import { type StepMetrics, stepMetrics } from '../simulation/metrics.ts';
import { createRandom } from '../simulation/random.ts';
import { reinforcementData } from '../simulation/reinforcement.ts';
import { usesLegacyTrainer } from '../simulation/trainer-version.ts';
import { completedSteps, stepTime, totalSteps } from '../simulation/training-steps.ts';
import { finalCheckpoints } from './checkpoint.ts';
import { type EventContent, type EventPlan, info, newEventId, planEvent } from './event-plan.ts';
import { inSeconds } from './job.ts';
import { moderationEvents } from './moderation-event.ts';

// Cached: to plan a log of 5,000 steps takes milliseconds, and clients read it page by page.
const logs = new WeakMap<JobPlan, readonly EventPlan[]>();

/** All events of a job, oldest first (docs/upstream.md: Event log). */
export function eventLog(plan: JobPlan): readonly EventPlan[] {
  const cached = logs.get(plan);
  if (cached !== undefined) return cached;
  const log = [...openingEvents(plan), ...stepEvents(plan), ...closingEvents(plan)];
  logs.set(plan, log);
  return log;
}

/** The events of a job up to `now`, newest first. */
export function eventsAt(plan: JobPlan, now: number): readonly EventPlan[] {
  const log = eventLog(plan);
  return log.slice(0, log.findLastIndex(({ at }) => at <= now) + 1).reverse();
}

export function eventBody({ id, at, content }: EventPlan): EventBody & { object: 'fine_tuning.job.event' } {
  const { level, message, type, ...data } = content();
  return { object: 'fine_tuning.job.event', id, created_at: inSeconds(at), level, message, ...data, type };
}

const timeOf = (plan: JobPlan, status: JobStatus) => statusChangedAt(plan, status, Number.POSITIVE_INFINITY);

function openingEvents(plan: JobPlan): EventPlan[] {
  const { createdAt, trainingFile, validationFile } = plan;
  const files = validationFile === null ? trainingFile : `${trainingFile} and validation file: ${validationFile}`;
  const [queuedAt, startedAt] = [timeOf(plan, 'queued'), timeOf(plan, 'running')];
  const events = [
    planEvent(plan, 'created', createdAt, info(`Created fine-tuning job: ${plan.id}`)),
    planEvent(plan, 'validating', createdAt, info(`Validating training file: ${files}`)),
  ];
  if (queuedAt !== null)
    events.push(planEvent(plan, 'validated', queuedAt, info('Files validated, moving job to queued state')));
  if (startedAt !== null) events.push(planEvent(plan, 'started', startedAt, info('Fine-tuning job started', null)));
  return events;
}

function stepEvents(plan: JobPlan): EventPlan[] {
  const random = createRandom(plan.id, 'steps'); // One for all ids: one per step would take ten times as long.
  const total = totalSteps(plan);
  return Array.from({ length: completedSteps(plan, Number.MAX_VALUE) }, (_, index) => {
    const step = index + 1;
    return { id: newEventId(random), at: stepTime(plan, step), step, content: () => stepContent(plan, step, total) };
  });
}

function stepContent(plan: JobPlan, step: number, total: number): EventContent {
  const metrics = stepMetrics(plan, step);
  const isReinforcement = plan.method.type === 'reinforcement';
  return {
    level: 'info',
    message: isReinforcement
      ? `Step ${step}/${total} , ${rewardText(metrics)}`
      : `Step ${step}/${total}: ${lossText(metrics)}`,
    type: 'metrics',
    data: isReinforcement ? reinforcementData(plan, step, total, metrics) : { step, total_steps: total, ...metrics },
  };
}

function lossText({ train_loss, valid_loss, full_valid_loss }: StepMetrics): string {
  return valuesText({
    'training loss': train_loss,
    'validation loss': valid_loss,
    'full validation loss': full_valid_loss,
  });
}

function rewardText(metrics: StepMetrics): string {
  return valuesText({
    'train mean reward': metrics.train_mean_reward,
    'full validation mean reward': metrics.full_valid_mean_reward,
    'full validation mean parse error': metrics.full_valid_mean_parse_error,
  });
}

const valuesText = (values: Readonly<Record<string, number | undefined>>) =>
  Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value.toFixed(2)}`]))
    .join(', ');

/** The last events. Those of a success follow 2 and 7 seconds after the status, at speed 1. */
function closingEvents(plan: JobPlan): EventPlan[] {
  const failedAt = timeOf(plan, 'failed');
  if (failedAt !== null)
    return [planEvent(plan, 'failed', failedAt, { ...info(plan.error?.message ?? ''), level: 'error' })];
  const cancelledAt = timeOf(plan, 'cancelled') ?? timeOf(plan, 'cancelling');
  if (cancelledAt !== null) {
    const content: EventContent = { ...info('Fine tuning process stopping due to job cancellation'), level: 'warn' };
    return [planEvent(plan, 'cancelled', cancelledAt + 2 * plan.secondMs, content)];
  }
  const succeededAt = timeOf(plan, 'succeeded');
  if (succeededAt === null) return [];
  const at = succeededAt + 2 * plan.secondMs;
  return [
    ...checkpointEvents(plan, at),
    planEvent(plan, 'model', at, info(newModelText(plan))),
    ...(usesLegacyTrainer(plan) ? [] : moderationEvents(plan, succeededAt)),
    planEvent(plan, 'completed', succeededAt + 7 * plan.secondMs, info('The job has successfully completed')),
  ];
}

/** An event for each checkpoint except the last one, long after the checkpoint. */
function checkpointEvents(plan: JobPlan, at: number): EventPlan[] {
  const text = (step: number, model: string) => `Checkpoint created at step ${step} with Snapshot ID: ${model}`;
  return finalCheckpoints(plan)
    .slice(0, -1)
    .map(({ step, model }) => planEvent(plan, `saved ${step}`, at, info(text(step, model))));
}

const newModelText = (plan: JobPlan) =>
  usesLegacyTrainer(plan) ? `New fine-tuned model created: ${plan.results.model}` : 'New fine-tuned model created';
