import type { EventBody } from '../../upstream/resources/event.ts';
import { inSeconds, type JobPlan } from '../simulation/job-plan.ts';
import { statusChangedAt } from '../simulation/lifecycle.ts';
import { type Measured, measuredAt } from '../simulation/metrics.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import { reinforcementData } from '../simulation/reinforcement.ts';
import { isOfOldTrainer } from '../simulation/trainer-version.ts';
import { stepAt, stepsAt, totalSteps } from '../simulation/training-steps.ts';
import { finalCheckpoints } from './checkpoint.ts';

/** One line of a job's log; its text is worked out when it is asked for. */
export interface EventPlan {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The step whose metrics it tells; absent on other lines. */
  readonly step?: number;
  readonly line: () => Line;
}

export interface Line {
  readonly level: 'info' | 'warn' | 'warning' | 'error';
  readonly message: string;
  readonly type: 'message' | 'metrics';
  /** Absent where a server gives none. */
  readonly data?: object | null;
}

const message = (text: string, data: object | null = {}): Line => ({
  level: 'info',
  message: text,
  type: 'message',
  data,
});

// As many logs as there are plans: a log of 5,000 steps takes milliseconds to plan, and is read a page at a time.
const logs = new WeakMap<JobPlan, readonly EventPlan[]>();

/** All that a job ever says, oldest first (docs/upstream.md: Event log). */
export function eventsOf(plan: JobPlan): readonly EventPlan[] {
  const known = logs.get(plan);
  if (known !== undefined) return known;
  const log = [...opening(plan), ...steps(plan), ...ending(plan)];
  logs.set(plan, log);
  return log;
}

/** What a job has said at `now`, newest first. */
export function eventsAt(plan: JobPlan, now: number): readonly EventPlan[] {
  const log = eventsOf(plan);
  return log.slice(0, log.findLastIndex(({ at }) => at <= now) + 1).reverse();
}

export function eventBody({ id, at, line }: EventPlan): EventBody & { object: 'fine_tuning.job.event' } {
  const { level, message, type, ...data } = line();
  return { object: 'fine_tuning.job.event', id, created_at: inSeconds(at), level, message, type, ...data };
}

const turnOf = (plan: JobPlan, status: Parameters<typeof statusChangedAt>[1]) =>
  statusChangedAt(plan, status, Number.POSITIVE_INFINITY);

/** A line of its own; `name` tells it from all others of the job, so that its id does not depend on how far that comes. */
function planLine(plan: JobPlan, name: string, at: number, line: Line): EventPlan {
  return { id: newId(createRandom(plan.id, 'event', name)), at, line: () => line };
}

const newId = (random: Random) => `ftevent-${random.text(24)}`;

function opening(plan: JobPlan): EventPlan[] {
  const { createdAt, trainingFile, validationFile } = plan;
  const files = validationFile === null ? trainingFile : `${trainingFile} and validation file: ${validationFile}`;
  const [queuedAt, startedAt] = [turnOf(plan, 'queued'), turnOf(plan, 'running')];
  const lines = [
    planLine(plan, 'created', createdAt, message(`Created fine-tuning job: ${plan.id}`)),
    planLine(plan, 'validating', createdAt, message(`Validating training file: ${files}`)),
  ];
  if (queuedAt !== null)
    lines.push(planLine(plan, 'validated', queuedAt, message('Files validated, moving job to queued state')));
  if (startedAt !== null) lines.push(planLine(plan, 'started', startedAt, message('Fine-tuning job started', null)));
  return lines;
}

function steps(plan: JobPlan): EventPlan[] {
  const random = createRandom(plan.id, 'steps'); // One for all of their ids: another for each would take ten times as long.
  const total = totalSteps(plan);
  return Array.from({ length: stepsAt(plan, Number.MAX_VALUE) }, (_, index) => {
    const step = index + 1;
    return { id: newId(random), at: stepAt(plan, step), step, line: () => stepLine(plan, step, total) };
  });
}

function stepLine(plan: JobPlan, step: number, total: number): Line {
  const measured = measuredAt(plan, step);
  const isReinforced = plan.method.type === 'reinforcement';
  return {
    level: 'info',
    message: isReinforced
      ? `Step ${step}/${total} , ${rewardText(measured)}`
      : `Step ${step}/${total}: ${lossText(measured)}`,
    type: 'metrics',
    data: isReinforced ? reinforcementData(plan, step, total, measured) : { step, total_steps: total, ...measured },
  };
}

function lossText({ train_loss, valid_loss, full_valid_loss }: Measured): string {
  return text({ 'training loss': train_loss, 'validation loss': valid_loss, 'full validation loss': full_valid_loss });
}

function rewardText(measured: Measured): string {
  return text({
    'train mean reward': measured.train_mean_reward,
    'full validation mean reward': measured.full_valid_mean_reward,
    'full validation mean parse error': measured.full_valid_mean_parse_error,
  });
}

const text = (values: Readonly<Record<string, number | undefined>>) =>
  Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value.toFixed(2)}`]))
    .join(', ');

/** The last lines. Those of a success come when the job has already finished, by 2 and by 7 real seconds. */
function ending(plan: JobPlan): EventPlan[] {
  const failedAt = turnOf(plan, 'failed');
  if (failedAt !== null)
    return [planLine(plan, 'failed', failedAt, { ...message(plan.error?.message ?? ''), level: 'error' })];
  const cancelledAt = turnOf(plan, 'cancelled') ?? turnOf(plan, 'cancelling');
  if (cancelledAt !== null) {
    const line: Line = { ...message('Fine tuning process stopping due to job cancellation'), level: 'warn' };
    return [planLine(plan, 'cancelled', cancelledAt + 2 * plan.secondMs, line)];
  }
  const succeededAt = turnOf(plan, 'succeeded');
  if (succeededAt === null) return [];
  const at = succeededAt + 2 * plan.secondMs;
  return [
    ...savedModels(plan, at),
    planLine(plan, 'model', at, message(newModelText(plan))),
    planLine(plan, 'completed', succeededAt + 7 * plan.secondMs, message('The job has successfully completed')),
  ];
}

/** A line for each checkpoint but the last, long after it was saved. */
function savedModels(plan: JobPlan, at: number): EventPlan[] {
  const text = (step: number, model: string) => `Checkpoint created at step ${step} with Snapshot ID: ${model}`;
  return finalCheckpoints(plan)
    .slice(0, -1)
    .map(({ step, model }) => planLine(plan, `saved ${step}`, at, message(text(step, model))));
}

const newModelText = (plan: JobPlan) =>
  isOfOldTrainer(plan) ? `New fine-tuned model created: ${plan.yields.model}` : 'New fine-tuned model created';
