/** An event's body as OpenAI sends it, for tests to bend. */
export function eventBody(
  id: string,
  members: Record<string, unknown> = {},
): { id: string; [member: string]: unknown } {
  return {
    object: 'fine_tuning.job.event',
    id,
    created_at: 1_760_000_000,
    level: 'info',
    message: 'Created fine-tuning job',
    data: {},
    type: 'message',
    ...members,
  };
}

/** The event of a step; what is measured beside the training loss is given in `data`. */
export function stepBody(step: number, totalSteps: number, data: Record<string, unknown> = {}) {
  const trainLoss = Number((2 / Math.sqrt(step)).toFixed(5));
  return eventBody(`ftevent-step-${step}`, {
    created_at: 1_760_000_100 + Math.floor(step / 3), // Three a second, as real ones.
    message: `Step ${step}/${totalSteps}: training loss=${trainLoss.toFixed(2)}`,
    data: { step, train_loss: trainLoss, total_steps: totalSteps, train_mean_token_accuracy: 0.5, ...data },
    type: 'metrics',
  });
}
