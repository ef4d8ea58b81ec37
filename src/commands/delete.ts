import type { EntityStore } from '../store/resources/entity.ts';
import { isOutcomeUnknown } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { Call } from '../upstream/resilience/transport.ts';
import type { Deletion } from '../upstream/resources/deletion.ts';
import { type CommandContext, callOf } from './command-context.ts';

/** Deletes a thing; null when there is none. Rejects with UpstreamError. */
export type Delete = (id: string) => Promise<Deletion | null>;

/** Nobody is shown a thing from its deletion on; when nobody knows what came of that, it is read anew. */
export function createDelete(
  things: Pick<EntityStore<never>, 'put' | 'invalidate'>,
  ask: (id: string, call: Call) => Promise<Deletion | null>,
  changer: CommandContext,
): Delete {
  return async (id) => {
    if (!isValidName(id)) return null;
    try {
      const deletion = await ask(id, callOf(changer));
      things.put(changer.access, id, null);
      return deletion;
    } catch (error) {
      if (isOutcomeUnknown(error)) things.invalidate(changer.access, id);
      throw error;
    }
  };
}
