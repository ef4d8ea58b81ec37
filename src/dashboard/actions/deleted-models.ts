import { signal } from '@preact/signals';

const deleted = signal<ReadonlySet<string>>(new Set());

/** Records that the upstream has no model with this id any more. */
export function recordDeletion(modelId: string): void {
  deleted.value = new Set(deleted.value).add(modelId);
}

/** Whether a model is known to be deleted. A component that calls it is rendered again when it is. */
export const isDeleted = (modelId: string): boolean => deleted.value.has(modelId);
