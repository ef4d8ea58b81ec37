import type { EventBody } from '../upstream/event.ts';
import { finalCheckpoints } from './checkpoint.ts';
import { isOfOldTrainer } from './generation.ts';
import { inSeconds, type JobPlan } from './job.ts';
import { turnedAt } from './lifecycle.ts';
import { type Measured, measuredAt } from './metrics.ts';
import { createRandom, type Random } from './random.ts';
import { reinforcementData } from './reinforcement.ts';
import { stepAt, stepsAt, totalSteps } from './training.ts';

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

/** All that a job ever says, oldest first (UPSTREAM.md 2.1). */
export function eventsOf(plan: JobPlan): readonly EventPlan[] {
  const known = logs.get(plan);
  if (known !== undefined) return known;
  const random = createRandom(plan.id, 'events');
  // The ids of the few lines are drawn before those of the steps, so that none depends on how far the job comes.
  const id = () => `ftevent-${random.text(24)}`;
  const frame = { opening: [id(), id(), id(), id()], ending: [id(), id()], ckpt: createRandom(plan.id, 'saved') };
  const log = [...opening(plan, frame.opening), ...steps(plan, id), ...ending(plan, frame.ending, frame.ckpt)];
  logs.set(plan, log);
  return log;
}

/** What a job has said at `now`, newest first. */
export function eventsAt(plan: JobPlan, now: number): readonly EventPlan[] {
  const log = eventsOf(plan);
  return log.slice(0, log.findLastIndex(({ at }) => at <= now) + 1).reverse();
}

export function eventBody({ id, at, line }: EventPlan) {
  const { level, message, type, data } = line();
  const body = { object: 'fine_tuning.job.event' as const, id, created_at: inSeconds(at), level, message, type };
  return (data === undefined ? body : { ...body, data }) satisfies EventBody;
}

const turnOf = (plan: JobPlan, status: Parameters<typeof turnedAt>[1]) =>
  turnedAt(plan, status, Number.POSITIVE_INFINITY);

function opening(plan: JobPlan, ids: readonly string[]): EventPlan[] {
  const { createdAt, trainingFile, validationFile } = plan;
  const files = validationFile === null ? trainingFile : `${trainingFile} and validation file: ${validationFile}`;
  const lines: [number | null, Line][] = [
    [createdAt, message(`Created fine-tuning job: ${plan.id}`)],
    [createdAt, message(`Validating training file: ${files}`)],
    [turnOf(plan, 'queued'), message('Files validated, moving job to queued state')],
    [turnOf(plan, 'running'), message('Fine-tuning job started', null)],
  ];
  return lines.flatMap(([at, line], index) => (at === null ? [] : [{ id: ids[index] ?? '', at, line: () => line }]));
}

function steps(plan: JobPlan, id: () => string): EventPlan[] {
  const total = totalSteps(plan);
  return Array.from({ length: stepsAt(plan, Number.MAX_VALUE) }, (_, index) => {
    const step = index + 1;
    return { id: id(), at: stepAt(plan, step), step, line: () => stepLine(plan, step, total) };
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
function ending(plan: JobPlan, ids: readonly string[], random: Random): EventPlan[] {
  const [first = '', second = ''] = ids;
  const failedAt = turnOf(plan, 'failed');
  if (failedAt !== null)
    return [{ id: first, at: failedAt, line: () => ({ ...message(plan.error?.message ?? ''), level: 'error' }) }];
  const cancelledAt = turnOf(plan, 'cancelled');
  if (cancelledAt !== null) {
    const line = { ...message('Fine tuning process stopping due to job cancellation'), level: 'warn' } as const;
    return [{ id: first, at: cancelledAt + 2 * plan.secondMs, line: () => line }];
  }
  const succeededAt = turnOf(plan, 'succeeded');
  if (succeededAt === null) return [];
  const at = succeededAt + 2 * plan.secondMs;
  return [
    ...savedModels(plan, at, random),
    { id: first, at, line: () => message(newModelText(plan)) },
    { id: second, at: succeededAt + 7 * plan.secondMs, line: () => message('The job has successfully completed') },
  ];
}

/** A line for each checkpoint but the last, long after it was saved. */
function savedModels(plan: JobPlan, at: number, random: Random): EventPlan[] {
  return finalCheckpoints(plan)
    .slice(0, -1)
    .map(({ step, model }) => {
      const line = message(`Checkpoint created at step ${step} with Snapshot ID: ${model}`);
      return { id: `ftevent-${random.text(24)}`, at, line: () => line };
    });
}

const newModelText = (plan: JobPlan) =>
  isOfOldTrainer(plan) ? `New fine-tuned model created: ${plan.yields.model}` : 'New fine-tuned model created';
