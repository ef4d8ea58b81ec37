/** A file as OpenAI sends it. `members` override or extend the body. */
export function fileBody(id: string, members: Record<string, unknown> = {}): { id: string; [member: string]: unknown } {
  return {
    object: 'file',
    id,
    purpose: 'fine-tune',
    filename: 'train.jsonl',
    bytes: 120_000,
    created_at: 1_759_999_000,
    expires_at: null,
    status: 'processed',
    status_details: null,
    ...members,
  };
}
