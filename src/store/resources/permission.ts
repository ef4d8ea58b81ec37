import type { Page } from '../../upstream/resources/page.ts';
import type { Permission, PermissionPageRequest } from '../../upstream/resources/permission.ts';
import { activeFreshUntil, type SequencedObservation } from '../cache/freshness.ts';
import { createGenerations } from '../cache/generation.ts';
import { createReadThrough, keyOf, newerRequestWins } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import type { JobStore } from './job.ts';

export interface PermissionStore {
  /**
   * One page of the permissions of a checkpoint, by the name of its model. Throws NoAdminKey where there is no key of an
   * administrator, UpstreamError, or the reason of the caller's signal.
   */
  list(
    access: Access,
    model: string,
    request: PermissionPageRequest,
    readContext: ReadContext,
  ): Promise<Page<Permission>>;
  /** Takes note that this gateway has changed them: nothing that was read before is believed any more. */
  markStale(access: Access, model: string): void;
}

export function createPermissionStore(
  { upstream, clock, limits, partition }: ResourceStoreOptions,
  jobs: Pick<JobStore, 'bumpGeneration'>,
): PermissionStore {
  const generations = createGenerations(clock);
  const pages = createReadThrough<Page<Permission>, SequencedObservation<Page<Permission>>>({
    clock,
    cache: partition('permissions'),
    merge: newerRequestWins,
    estimateBytes: ({ items }) => estimateBytes(items),
  });
  return {
    async list(access, model, request, readContext) {
      const { sequence } = generations.get(keyOf(access, model));
      const { value } = await pages.get({
        access,
        name: JSON.stringify([model, sequence, request.limit, request.after, request.projectId]),
        readContext,
        freshUntil: ({ receivedAt }) => activeFreshUntil(receivedAt, limits),
        read: (call) => upstream.permissions.list(model, request, call),
      });
      return value;
    },
    markStale(access, model) {
      generations.bump(keyOf(access, model));
      jobs.bumpGeneration(access); // Whole answers show permissions too.
    },
  };
}
