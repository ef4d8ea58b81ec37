import type { Model } from '../../upstream/resources/model.ts';
import type { PageItem } from '../../upstream/resources/page.ts';
import { createPageCache } from '../cache/page-cache.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import { createEntityStore, type EntityStore } from './entity.ts';
import type { JobStore } from './job.ts';

export interface ModelStore extends EntityStore<Model> {
  /** All models. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, readContext: ReadContext): Promise<readonly PageItem<Model>[]>;
}

/** All that a model tells stays as it is; a list is believed about what it has, and some servers leave models out. */
const isSettled = () => true;

export function createModelStore(options: ResourceStoreOptions, jobs: JobStore): ModelStore {
  const { models: upstream } = options.upstream;
  const { entities, readThrough } = createEntityStore<Model>(options, {
    noun: 'model',
    isSettled,
    read: upstream.get,
    changed: jobs.bumpGeneration,
  });
  const lists = createPageCache<Model>(options, 'models', readThrough);
  return {
    ...entities,
    async list(access, readContext) {
      const { value } = await lists.get({
        access,
        name: '', // The only one.
        generation: jobs.listGeneration(access),
        readContext,
        read: async (call) => ({ items: await upstream.list(call), hasMore: false }),
        notBefore: jobs.lastEndAt(access),
      });
      return value.items;
    },
  };
}
