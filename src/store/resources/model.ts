import type { Model } from '../../upstream/resources/model.ts';
import type { PageItem } from '../../upstream/resources/page.ts';
import { createLists } from '../cache/page-cache.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import type { PartOptions } from '../cache/store-options.ts';
import { createThings, type Things } from './entity.ts';
import type { JobStore } from './job.ts';

export interface ModelStore extends Things<Model> {
  /** All models. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, caller: Caller): Promise<readonly PageItem<Model>[]>;
}

/** All that a model tells stays as it is; a list is believed about what it has, and some servers leave models out. */
const isSettled = () => true;

export function createModelStore(options: PartOptions, jobs: JobStore): ModelStore {
  const { models: upstream } = options.upstream;
  const { things, reads } = createThings<Model>(options, {
    noun: 'model',
    isSettled,
    read: upstream.get,
    changed: jobs.beginGeneration,
  });
  const lists = createLists<Model>(options, 'models', reads);
  return {
    ...things,
    async list(access, caller) {
      const { value } = await lists.get({
        access,
        name: '', // The only one.
        generation: jobs.listGeneration(access),
        caller,
        read: async (call) => ({ items: await upstream.list(call), hasMore: false }),
        notBefore: jobs.lastEndAt(access),
      });
      return value.items;
    },
  };
}
