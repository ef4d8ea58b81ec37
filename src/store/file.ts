import { type FileObject, type FilePageRequest, isSettled } from '../upstream/file.ts';
import type { Page } from '../upstream/page.ts';
import type { ContentStore } from './content.ts';
import type { Caller } from './flights.ts';
import type { JobStore } from './job.ts';
import { createLists } from './list.ts';
import type { PartOptions } from './parts.ts';
import type { Access } from './scope.ts';
import { createThings, type Things } from './thing.ts';

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
