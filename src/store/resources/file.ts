import { type FileObject, type FilePageRequest, isSettled } from '../../upstream/resources/file.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { createPageCache } from '../cache/page-cache.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import type { ContentStore } from './content.ts';
import { createEntityStore, type EntityStore } from './entity.ts';
import type { JobStore } from './job.ts';

export interface FileStore extends EntityStore<FileObject> {
  /** One page of the files. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, request: FilePageRequest, readContext: ReadContext): Promise<Page<FileObject>>;
}

/** What is kept of what stands in files. */
type Kept = Pick<ContentStore, 'drop' | 'invalidate'>;

export function createFileStore(options: ResourceStoreOptions, jobs: JobStore, contents: readonly Kept[]): FileStore {
  const { files: upstream } = options.upstream;
  const { entities, readThrough } = createEntityStore<FileObject>(options, {
    noun: 'file',
    isSettled,
    read: upstream.get,
    changed: jobs.bumpGeneration,
  });
  const pages = createPageCache<FileObject>(options, 'files', readThrough);
  return {
    ...entities,
    put(access, id, file) {
      entities.put(access, id, file);
      if (file === null) for (const { drop } of contents) drop(access, id);
    },
    invalidate(access, id) {
      entities.invalidate(access, id);
      for (const { invalidate } of contents) invalidate(access, id);
    },
    async list(access, request, readContext) {
      const { limit, after, purpose, order } = request;
      const { value } = await pages.get({
        access,
        name: JSON.stringify([limit, after, purpose, order]),
        generation: jobs.listGeneration(access),
        readContext,
        read: (call) => upstream.list(request, call),
        notBefore: jobs.lastEndAt(access),
      });
      return value;
    },
  };
}
