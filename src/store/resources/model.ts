import type { Model } from '../../upstream/resources/model.ts';
import type { PageItem } from '../../upstream/resources/page.ts';
import { createPageCache } from '../cache/page-cache.ts';
import type { ReadContext } from '../cache/read-context.ts';
import type { Access } from '../cache/scope.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import { createEntityStore, type EntityStore } from './entity.ts';
import type { JobInvalidation } from './job-invalidation.ts';

export interface ModelStore extends EntityStore<Model> {
  /** Returns all models. Throws UpstreamError, or the reason of the context's signal. */
  list(access: Access, readContext: ReadContext): Promise<readonly PageItem<Model>[]>;
}

/** A model never changes. Its absence from a list proves nothing: some servers leave models out. */
const isSettled = () => true;

export function createModelStore(
  options: ResourceStoreOptions,
  jobs: Pick<JobInvalidation, 'bumpGeneration' | 'listGeneration' | 'lastEndAt'>,
): ModelStore {
  const { models: upstream } = options.upstream;
  const { entities, values } = createEntityStore<Model>(options, {
    name: 'model',
    isSettled,
    read: upstream.get,
    onChange: jobs.bumpGeneration,
  });
  const lists = createPageCache<Model, null>({
    ...options,
    name: 'models',
    read: async (_, call) => ({ items: await upstream.list(call), hasMore: false }),
    values,
  });
  return {
    ...entities,
    async list(access, readContext) {
      const { items } = await lists.get({
        access,
        name: '', // There is one list.
        params: null,
        readContext,
        generation: jobs.listGeneration(access),
        notBefore: jobs.lastEndAt(access),
      });
      return items;
    },
  };
}
