/** An event as OpenAI sends it. `members` override or extend the body. */
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

/** A metrics event of a step. `data` overrides or extends the metrics. */
export function stepBody(step: number, totalSteps: number, data: Record<string, unknown> = {}) {
  const trainLoss = Number((2 / Math.sqrt(step)).toFixed(5));
  return eventBody(`ftevent-step-${step}`, {
    created_at: 1_760_000_100 + Math.floor(step / 3), // Three per second, as in real event logs.
    message: `Step ${step}/${totalSteps}: training loss=${trainLoss.toFixed(2)}`,
    data: { step, train_loss: trainLoss, total_steps: totalSteps, train_mean_token_accuracy: 0.5, ...data },
    type: 'metrics',
  });
}
