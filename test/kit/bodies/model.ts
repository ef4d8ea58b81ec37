/** A model as OpenAI sends it. `members` override or extend the body. */
export function modelBody(
  id: string,
  members: Record<string, unknown> = {},
): { id: string; [member: string]: unknown } {
  return { object: 'model', id, created: 1_750_000_000, owned_by: 'system', shutdown_date: null, ...members };
}
