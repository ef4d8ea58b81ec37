import type { EntityStore } from '../store/resources/entity.ts';
import { isOutcomeUnknown } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { Call } from '../upstream/resilience/transport.ts';
import type { Deletion } from '../upstream/resources/deletion.ts';
import { type CommandContext, callOf } from './command-context.ts';

/** Deletes an entity; null when there is none. Rejects with UpstreamError. */
export type Delete = (id: string) => Promise<Deletion | null>;

/** Creates a command that also records the deletion in the store, or invalidates the entity when the outcome is unknown. */
export function createDelete(
  entities: Pick<EntityStore<never>, 'put' | 'invalidate'>,
  deleteUpstream: (id: string, call: Call) => Promise<Deletion | null>,
  context: CommandContext,
): Delete {
  return async (id) => {
    if (!isValidName(id)) return null;
    try {
      const deletion = await deleteUpstream(id, callOf(context));
      entities.put(context.access, id, null);
      return deletion;
    } catch (error) {
      if (isOutcomeUnknown(error)) entities.invalidate(context.access, id);
      throw error;
    }
  };
}
