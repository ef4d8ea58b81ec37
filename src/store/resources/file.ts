import { type FileObject, type FilePageRequest, isSettled } from '../../upstream/resources/file.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { createPageCache } from '../cache/page-cache.ts';
import type { ReadContext } from '../cache/read-context.ts';
import type { Access } from '../cache/scope.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import type { ContentStore } from './content.ts';
import { createEntityStore, type EntityStore } from './entity.ts';
import type { JobInvalidation } from './job-invalidation.ts';

export interface FileStore extends EntityStore<FileObject> {
  /** Returns one page of the files. Throws UpstreamError, or the reason of the context's signal. */
  list(access: Access, request: FilePageRequest, readContext: ReadContext): Promise<Page<FileObject>>;
}

/** A cache of file contents. */
type ContentCache = Pick<ContentStore, 'drop' | 'invalidate'>;

export function createFileStore(
  options: ResourceStoreOptions,
  jobs: Pick<JobInvalidation, 'bumpGeneration' | 'listGeneration' | 'lastEndAt'>,
  contentCaches: readonly ContentCache[],
): FileStore {
  const { files: upstream } = options.upstream;
  const { entities, values } = createEntityStore<FileObject>(options, {
    name: 'file',
    isSettled,
    read: upstream.get,
    onChange: jobs.bumpGeneration,
  });
  const pages = createPageCache<FileObject, FilePageRequest>({
    ...options,
    name: 'files',
    read: upstream.list,
    values,
  });
  return {
    ...entities,
    put(access, id, file) {
      entities.put(access, id, file);
      if (file === null) for (const { drop } of contentCaches) drop(access, id);
    },
    invalidate(access, id) {
      entities.invalidate(access, id);
      for (const { invalidate } of contentCaches) invalidate(access, id);
    },
    list(access, request, readContext) {
      const { limit, after, purpose, order } = request;
      return pages.get({
        access,
        name: JSON.stringify([limit, after, purpose, order]),
        params: request,
        readContext,
        generation: jobs.listGeneration(access),
        notBefore: jobs.lastEndAt(access),
      });
    },
  };
}
