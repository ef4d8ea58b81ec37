import type { JobPlan } from '../simulation/job-plan.ts';
import { createRandom, type Random } from '../simulation/random.ts';

/** An event of a job. Its content is computed on demand. */
export interface EventPlan {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The step of a metrics event; absent on other events. */
  readonly step?: number;
  readonly content: () => EventContent;
}

export interface EventContent {
  readonly level: 'info' | 'warn' | 'warning' | 'error';
  readonly message: string;
  readonly type: 'message' | 'metrics' | 'moderation_checks';
  /** Absent in events without data of the dialect azure. */
  readonly data?: object | null;
}

/** Plans an event without a step. `name` is unique in the job: the id does not depend on the number of events. */
export function planEvent(plan: JobPlan, name: string, at: number, content: EventContent): EventPlan {
  return { id: newEventId(createRandom(plan.id, 'event', name)), at, content: () => content };
}

export const newEventId = (random: Random) => `ftevent-${random.text(24)}`;

export const info = (message: string, data: object | null = {}): EventContent => ({
  level: 'info',
  message,
  type: 'message',
  data,
});
