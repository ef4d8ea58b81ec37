import { type FileObject, type FilePageRequest, isSettled } from '../../upstream/resources/file.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { createLists } from '../cache/page-cache.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import type { PartOptions } from '../cache/store-options.ts';
import type { ContentStore } from './content.ts';
import { createThings, type Things } from './entity.ts';
import type { JobStore } from './job.ts';

export interface FileStore extends Things<FileObject> {
  /** One page of the files. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, request: FilePageRequest, caller: Caller): Promise<Page<FileObject>>;
}

/** What is kept of what stands in files. */
type Kept = Pick<ContentStore, 'drop' | 'doubt'>;

export function createFileStore(options: PartOptions, jobs: JobStore, contents: readonly Kept[]): FileStore {
  const { files: upstream } = options.upstream;
  const { things, reads } = createThings<FileObject>(options, {
    noun: 'file',
    isSettled,
    read: upstream.get,
    changed: jobs.beginGeneration,
  });
  const pages = createLists<FileObject>(options, 'files', reads);
  return {
    ...things,
    put(access, id, file) {
      things.put(access, id, file);
      if (file === null) for (const { drop } of contents) drop(access, id);
    },
    doubt(access, id) {
      things.doubt(access, id);
      for (const { doubt } of contents) doubt(access, id);
    },
    async list(access, request, caller) {
      const { limit, after, purpose, order } = request;
      const { value } = await pages.get({
        access,
        name: JSON.stringify([limit, after, purpose, order]),
        generation: jobs.listGeneration(access),
        caller,
        read: (call) => upstream.list(request, call),
        notBefore: jobs.lastEndAt(access),
      });
      return value;
    },
  };
}
