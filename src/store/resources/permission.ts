import type { Page } from '../../upstream/resources/page.ts';
import type { Permission, PermissionPageRequest } from '../../upstream/resources/permission.ts';
import { activeFreshUntil, type Seen } from '../cache/freshness.ts';
import { createGenerations } from '../cache/generation.ts';
import { createReads, keyOf, later } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import { weigh } from '../cache/size-estimate.ts';
import type { PartOptions } from '../cache/store-options.ts';
import type { JobStore } from './job.ts';

export interface PermissionStore {
  /**
   * One page of the permissions of a checkpoint, by the name of its model. Throws NoAdminKey where there is no key of an
   * administrator, UpstreamError, or the reason of the caller's signal.
   */
  list(access: Access, model: string, request: PermissionPageRequest, caller: Caller): Promise<Page<Permission>>;
  /** Takes note that this gateway has changed them: nothing that was read before is believed any more. */
  outdate(access: Access, model: string): void;
}

export function createPermissionStore(
  { upstream, clock, limits, shelf }: PartOptions,
  jobs: Pick<JobStore, 'beginGeneration'>,
): PermissionStore {
  const generations = createGenerations(clock);
  const pages = createReads<Page<Permission>, Seen<Page<Permission>>>({
    clock,
    shelf: shelf('permissions'),
    choose: later,
    weigh: ({ items }) => weigh(items),
  });
  return {
    async list(access, model, request, caller) {
      const { turn } = generations.of(keyOf(access, model));
      const { value } = await pages.get({
        access,
        name: JSON.stringify([model, turn, request.limit, request.after, request.projectId]),
        caller,
        freshUntil: ({ arrivedAt }) => activeFreshUntil(arrivedAt, limits),
        read: (call) => upstream.permissions.list(model, request, call),
      });
      return value;
    },
    outdate(access, model) {
      generations.begin(keyOf(access, model));
      jobs.beginGeneration(access); // Whole answers show permissions too.
    },
  };
}
