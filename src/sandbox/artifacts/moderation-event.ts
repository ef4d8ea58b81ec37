import type { JobPlan } from '../simulation/job-plan.ts';
import { type EventPlan, info, planEvent } from './event-plan.ts';

/** The categories of OpenAI's moderation endpoint. Only the form of a result is recorded (docs/upstream.md: Event log). */
const CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
];

/**
 * The checks of the new model, oldest first, between the event of the model and the last event of the log, which follow
 * `succeededAt` by 2 and 7 seconds at speed 1.
 */
export function moderationEvents(plan: JobPlan, succeededAt: number): EventPlan[] {
  const { model } = plan.results;
  const after = (seconds: number) => succeededAt + seconds * plan.secondMs;
  const data = {
    blocked: false,
    results: CATEGORIES.map((category) => ({ flagged: false, category, enforcement: 'blocking' })),
    finetuned_model_checkpoint_id: model,
  };
  return [
    planEvent(plan, 'evaluating', after(3), info('Evaluating model against our usage policies')),
    planEvent(plan, 'moderation', after(5), {
      level: 'info',
      message: `Moderation checks for snapshot ${model} passed.`,
      type: 'moderation_checks',
      data,
    }),
    planEvent(plan, 'enabled', after(6), info('Usage policy evaluations completed, model is now enabled for sampling')),
  ];
}
