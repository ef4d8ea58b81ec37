import type { Page } from '../../upstream/resources/page.ts';
import type { Permission, PermissionPageRequest } from '../../upstream/resources/permission.ts';
import { activeFreshUntil, type SequencedObservation } from '../cache/freshness.ts';
import { createGenerations } from '../cache/generation.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { createReadThrough, keyOf, newerRequestWins } from '../cache/read-through.ts';
import type { Access, Scoped } from '../cache/scope.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import type { JobInvalidation } from './job-invalidation.ts';

export interface PermissionStore {
  /**
   * Returns one page of the permissions of a checkpoint, by the name of its model. Throws NoAdminKey when the credential
   * has no admin key, UpstreamError, or the reason of the context's signal.
   */
  list(
    access: Access,
    model: string,
    request: PermissionPageRequest,
    readContext: ReadContext,
  ): Promise<Page<Permission>>;
  /** Marks the permissions of a checkpoint as stale, and whole responses too. */
  markStale(access: Scoped, model: string): void;
}

interface PermissionReadParams {
  readonly model: string;
  readonly request: PermissionPageRequest;
}

export function createPermissionStore(
  { upstream, clock, limits, partition }: ResourceStoreOptions,
  jobs: Pick<JobInvalidation, 'bumpGeneration'>,
): PermissionStore {
  const generations = createGenerations(clock);
  const pages = createReadThrough<Page<Permission>, SequencedObservation<Page<Permission>>, PermissionReadParams>({
    clock,
    kind: 'permissions',
    cache: partition('permissions'),
    read: ({ params: { model, request } }, call) => upstream.permissions.list(model, request, call),
    freshUntil: ({ receivedAt }) => activeFreshUntil(receivedAt, limits),
    merge: newerRequestWins,
    estimateBytes: ({ items }) => estimateBytes(items),
  });
  return {
    list(access, model, request, readContext) {
      const { sequence } = generations.get(keyOf(access, model));
      const { limit, after, projectId } = request;
      const name = JSON.stringify([model, sequence, limit, after, projectId]);
      return pages.get({ access, name, params: { model, request }, readContext });
    },
    markStale(access, model) {
      generations.bump(keyOf(access, model));
      jobs.bumpGeneration(access); // Cached responses contain permissions too.
    },
  };
}
