import type { EventPlan, Line } from '../artifacts/event.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createRandom } from '../simulation/random.ts';

/** Azure writes a line for so many steps. */
const STEPS_PER_EVENT = 10;

/** Azure's log of a job, from OpenAI's: fewer steps, other words, other lines at the end. Keeps the order. */
export function azureEvents(plan: JobPlan, newestFirst: readonly EventPlan[]): readonly EventPlan[] {
  return newestFirst.flatMap((event) => translated(plan, event));
}

function translated(plan: JobPlan, event: EventPlan): EventPlan[] {
  if (event.step !== undefined) return event.step % STEPS_PER_EVENT === 0 ? [withLine(event, stepLine)] : [];
  const { message } = event.line();
  if (message.startsWith('Created')) return say(event, 'Job enqueued. Waiting for jobs ahead to complete.');
  if (message.startsWith('Fine-tuning job started')) return say(event, 'Job started.');
  if (message.startsWith('New fine-tuned model')) return say(event, 'Job succeeded.');
  if (message.startsWith('The job has')) return say(event, ...closingTexts(plan));
  if (/^(Validating|Files validated|Checkpoint created)/.test(message)) return [];
  return [
    withLine(event, ({ level, message, type }) => ({ level: level === 'warn' ? 'warning' : level, message, type })),
  ];
}

/** Newest first. */
function closingTexts({ trainingMs, secondMs, yields }: JobPlan): string[] {
  const hours = trainingMs / secondMs / 3600;
  return [
    `Training hours billed: ${hours.toFixed(3)}`,
    `Completed results file: ${yields.resultFile}`,
    'Postprocessing started.',
  ];
}

/** One line for each text, in place of one that has none of its own; plain lines have no data here. */
function say(event: EventPlan, ...texts: readonly string[]): EventPlan[] {
  return texts.map((message, index) => ({
    id: index === 0 ? event.id : `ftevent-${createRandom(event.id, index).text(24)}`,
    at: event.at,
    line: () => ({ level: 'info', message, type: 'message' }),
  }));
}

const withLine = (event: EventPlan, change: (line: Line) => Line): EventPlan => ({
  ...event,
  line: () => change(event.line()),
});

/** `Step 100: training loss=…` without a total, in full precision; what is measured at all is measured on the whole file. */
function stepLine(line: Line): Line {
  const { total_steps, ...data } = { ...line.data } as Record<string, unknown>; // The data of a step is a flat object.
  if (data['train_loss'] === undefined) return { ...line, message: line.message.replace(`/${total_steps}`, ''), data };
  const { valid_loss, valid_mean_token_accuracy } = data;
  const whole = { full_valid_loss: valid_loss, full_valid_mean_token_accuracy: valid_mean_token_accuracy };
  return {
    ...line,
    message: `Step ${data['step']}: training loss=${data['train_loss']}`,
    data: valid_loss === undefined ? data : { ...whole, ...data },
  };
}
