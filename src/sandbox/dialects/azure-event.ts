import type { EventContent, EventPlan } from '../artifacts/event-plan.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createRandom } from '../simulation/random.ts';

const STEPS_PER_EVENT = 10;

/** Messages of OpenAI only. */
const WITHOUT_EQUIVALENT =
  /^(Validating|Files validated|Checkpoint created|Evaluating model|Moderation checks|Usage policy)/;

/** Translates an event log: fewer steps, other messages, other events at the end. Keeps the order, newest first. */
export function azureEvents(plan: JobPlan, newestFirst: readonly EventPlan[]): readonly EventPlan[] {
  return newestFirst.flatMap((event) => translateEvent(plan, event));
}

function translateEvent(plan: JobPlan, event: EventPlan): EventPlan[] {
  if (event.step !== undefined) return event.step % STEPS_PER_EVENT === 0 ? [mapContent(event, stepContent)] : [];
  const { message } = event.content();
  if (message.startsWith('Created')) return replace(event, 'Job enqueued. Waiting for jobs ahead to complete.');
  if (message.startsWith('Fine-tuning job started')) return replace(event, 'Job started.');
  if (message.startsWith('New fine-tuned model')) return replace(event, 'Job succeeded.');
  if (message.startsWith('The job has')) return replace(event, ...closingMessages(plan));
  if (WITHOUT_EQUIVALENT.test(message)) return [];
  return [
    mapContent(event, ({ level, message, type }) => ({ level: level === 'warn' ? 'warning' : level, message, type })),
  ];
}

/** Newest first. */
function closingMessages({ trainingMs, secondMs, results }: JobPlan): string[] {
  const hours = trainingMs / secondMs / 3600;
  return [
    `Training hours billed: ${hours.toFixed(3)}`,
    `Completed results file: ${results.resultFile}`,
    'Postprocessing started.',
  ];
}

/** Replaces an event by one event per message, without `data`. */
function replace(event: EventPlan, ...messages: readonly string[]): EventPlan[] {
  return messages.map((message, index) => ({
    id: index === 0 ? event.id : `ftevent-${createRandom(event.id, index).text(24)}`,
    at: event.at,
    content: () => ({ level: 'info', message, type: 'message' }),
  }));
}

const mapContent = (event: EventPlan, map: (content: EventContent) => EventContent): EventPlan => ({
  ...event,
  content: () => map(event.content()),
});

/** `Step 100: training loss=…`, without total and rounding. Validation metrics are those of the whole file. */
function stepContent(content: EventContent): EventContent {
  const { total_steps, ...data } = { ...content.data } as Record<string, unknown>; // Flat, as in every step.
  if (data['train_loss'] === undefined)
    return { ...content, message: content.message.replace(`/${total_steps}`, ''), data };
  const { valid_loss, valid_mean_token_accuracy } = data;
  const full = { full_valid_loss: valid_loss, full_valid_mean_token_accuracy: valid_mean_token_accuracy };
  return {
    ...content,
    message: `Step ${data['step']}: training loss=${data['train_loss']}`,
    data: valid_loss === undefined ? data : { ...full, ...data },
  };
}
