/** A checkpoint as OpenAI sends it. `members` override or extend the body. */
export function checkpointBody(
  id: string,
  members: Record<string, unknown> = {},
): { id: string; [member: string]: unknown } {
  return {
    object: 'fine_tuning.job.checkpoint',
    id,
    created_at: 1_760_000_770,
    fine_tuned_model_checkpoint: `ft:gpt-4.1-mini-2025-04-14:acme::${id.slice(-8)}`,
    fine_tuning_job_id: 'ftjob-000000000000000000000001',
    step_number: 80,
    metrics: { type: 'supervised', step: 80, train_loss: 0.5, train_mean_token_accuracy: 0.9 },
    ...members,
  };
}
