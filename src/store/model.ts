import type { Model } from '../upstream/model.ts';
import type { PageItem } from '../upstream/page.ts';
import { isName } from '../upstream/path.ts';
import type { Caller } from './flights.ts';
import { aboutJobFreshUntil, activeFreshUntil, type JobEnd, type Sight, settledFreshUntil } from './freshness.ts';
import type { JobStore } from './job.ts';
import type { PartOptions } from './parts.ts';
import { createReads, later } from './reads.ts';
import type { Access } from './scope.ts';
import { weigh } from './weight.ts';

export interface ModelStore {
  /** The model as it is now, null when there is none; `end` is that of the job that names it. Throws as `list`. */
  get(access: Access, id: string, end: JobEnd, caller: Caller): Promise<Model | null>;
  /** All models. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, caller: Caller): Promise<readonly PageItem<Model>[]>;
  /** The model if it is kept and fresh, null when it is known that there is none. */
  fresh(access: Access, id: string, end: JobEnd, caller: Caller): Model | null | undefined;
  /** The model as it was last seen, however old that is. */
  settled(access: Access, id: string): Model | undefined;
  /** Whether this id was last seen as that of a model. */
  knows(access: Access, id: string): boolean;
}

interface ModelList {
  readonly items: readonly PageItem<Model>[];
  readonly byId: ReadonlyMap<string, Model>;
}
const ALL = '';

export function createModelStore({ upstream, clock, room, limits }: PartOptions, jobs: JobStore): ModelStore {
  const keeps = limits.activeMs > 0 || limits.settledMs > 0;
  const lists = createReads<ModelList, Sight<ModelList>>({
    clock,
    shelf: keeps ? room.shelf('models') : null,
    choose: later,
    weigh: ({ items }) => 2 * weigh(items),
  });
  const models = createReads<Model | null, Sight<Model | null>>({
    clock,
    shelf: keeps ? room.shelf('model') : null,
    choose: later,
    weigh,
  });

  // Names are never given twice: a model that was gone when its job had settled stays gone.
  function freshUntil(sight: Sight<Model | null>, end: JobEnd): number {
    return sight.value ? settledFreshUntil(sight.arrivedAt, limits) : aboutJobFreshUntil(sight, end, limits);
  }

  // A list tells for long what there is, and not at all what there is not: some servers leave models out.
  function lastSight(access: Access, id: string): Sight<Model | null> | undefined {
    const list = lists.kept(access, ALL);
    const value = list?.value.byId.get(id);
    const single = models.kept(access, id);
    return list && value ? later(single, { ...list, value }) : single;
  }

  return {
    async get(access, id, end, caller) {
      if (!isName(id)) return null;
      const { value } = await models.get({
        access,
        name: id,
        caller,
        freshUntil: (sight) => freshUntil(sight, end),
        read: (call) => upstream.models.get(id, call),
        notBefore: end.endedAt,
      });
      return value;
    },
    async list(access, caller) {
      const endedAt = jobs.lastEndAt(access);
      const { value } = await lists.get({
        access,
        name: ALL,
        caller,
        freshUntil: ({ beganAt, arrivedAt }) =>
          beganAt < endedAt ? Number.NEGATIVE_INFINITY : activeFreshUntil(arrivedAt, limits),
        read: async (call) => toList(await upstream.models.list(call)),
        notBefore: endedAt,
      });
      return value.items;
    },
    fresh(access, id, end, caller) {
      const sight = lastSight(access, id);
      if (sight === undefined || clock.now() >= freshUntil(sight, end)) return undefined;
      caller.freshUntil = Math.min(caller.freshUntil, freshUntil(sight, end));
      return sight.value;
    },
    settled: (access, id) => lastSight(access, id)?.value ?? undefined,
    knows: (access, id) => Boolean(lastSight(access, id)?.value),
  };
}

function toList(items: readonly PageItem<Model>[]): ModelList {
  return { items, byId: new Map(items.flatMap(({ value }) => (value ? [[value.id, value]] : []))) };
}
