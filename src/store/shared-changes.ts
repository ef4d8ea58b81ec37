import type { InvalidationListener, Invalidations } from '../state/invalidations.ts';
import type { Scoped } from './cache/scope.ts';
import type { Store } from './store.ts';

/** The subject of a change. A replica that does not know a noun treats everything as stale. */
type Noun = 'job' | 'jobs' | 'lists' | 'file' | 'model' | 'permissions';

/** Returns the store, whose changes are also told to the other replicas: at once, after their effect on this one. */
export function shareChanges(local: Store, { publish }: Invalidations): Store {
  const tell = (noun: Noun, { scope }: Scoped, id = '') => publish({ scope, noun, id });
  const { invalidation } = local.jobs;
  return {
    ...local,
    jobs: {
      ...local.jobs,
      put(access, job) {
        const accepted = local.jobs.put(access, job);
        tell('job', access, job.id);
        return accepted;
      },
      invalidation: {
        ...invalidation,
        markStaleEverywhere(id) {
          invalidation.markStaleEverywhere(id);
          publish({ scope: null, noun: 'job' satisfies Noun, id });
        },
        recordUnseenChange(access, id) {
          invalidation.recordUnseenChange(access, id);
          tell('job', access, id);
        },
        markAllStale(access) {
          invalidation.markAllStale(access);
          tell('jobs', access);
        },
        bumpGeneration(access) {
          invalidation.bumpGeneration(access);
          tell('lists', access);
        },
      },
    },
    files: { ...local.files, ...toldChanges(local.files, (access, id) => tell('file', access, id)) },
    models: { ...local.models, ...toldChanges(local.models, (access, id) => tell('model', access, id)) },
    permissions: {
      ...local.permissions,
      markStale(access, model) {
        local.permissions.markStale(access, model);
        tell('permissions', access, model);
      },
    },
  };
}

function toldChanges<T>(
  entities: { put(access: Scoped, id: string, entity: T): void; invalidate(access: Scoped, id: string): void },
  tellChange: (access: Scoped, id: string) => void,
) {
  return {
    put(access: Scoped, id: string, entity: T) {
      entities.put(access, id, entity);
      tellChange(access, id);
    },
    invalidate(access: Scoped, id: string) {
      entities.invalidate(access, id);
      tellChange(access, id);
    },
  };
}

/** Applies the changes of the other replicas to the store of this one. */
export function applyChanges(local: Store): InvalidationListener {
  const { jobs, files, models, permissions, markEverythingStale } = local;
  return {
    onGap: markEverythingStale,
    onInvalidation({ scope, noun, id }) {
      if (scope === null && noun === 'job') jobs.invalidation.markStaleEverywhere(id);
      else if (scope === null) markEverythingStale();
      else if (noun === 'job') jobs.invalidation.recordUnseenChange({ scope }, id);
      else if (noun === 'jobs') jobs.invalidation.markAllStale({ scope });
      else if (noun === 'lists') jobs.invalidation.bumpGeneration({ scope });
      else if (noun === 'file') files.invalidate({ scope }, id);
      else if (noun === 'model') models.invalidate({ scope }, id);
      else if (noun === 'permissions') permissions.markStale({ scope }, id);
      else markEverythingStale();
    },
  };
}
