/** A job as OpenAI sends it. `members` override or extend the body: `jobBody({ status: 'failed' })`. */
export function jobBody(members: Record<string, unknown> = {}): { id: string; [member: string]: unknown } {
  return {
    object: 'fine_tuning.job',
    id: 'ftjob-000000000000000000000001',
    model: 'gpt-4.1-mini-2025-04-14',
    created_at: 1_760_000_000,
    finished_at: null,
    fine_tuned_model: null,
    organization_id: 'org-test',
    result_files: [],
    status: 'running',
    validation_file: null,
    training_file: 'file-training',
    hyperparameters: { n_epochs: 3, batch_size: 8, learning_rate_multiplier: 1.8 },
    trained_tokens: null,
    error: {},
    user_provided_suffix: null,
    seed: 42,
    estimated_finish: null,
    integrations: [],
    metadata: null,
    usage_metrics: null,
    shared_with_openai: false,
    eval_id: null,
    method: {
      type: 'supervised',
      supervised: { hyperparameters: { n_epochs: 3, batch_size: 8, learning_rate_multiplier: 1.8 } },
    },
    ...members,
  };
}
