import { type FileObject, type FilePageRequest, isSettled } from '../upstream/file.ts';
import type { Page } from '../upstream/page.ts';
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

export function createFileStore(options: PartOptions, jobs: JobStore): FileStore {
  const { files: upstream } = options.upstream;
  const { things, reads } = createThings<FileObject>(options, { noun: 'file', isSettled, read: upstream.get });
  const pages = createLists<FileObject>(options, 'files', reads);
  return {
    ...things,
    async list(access, request, caller) {
      const { limit, after, purpose, order } = request;
      const { value } = await pages.get({
        access,
        name: JSON.stringify([limit, after, purpose, order]),
        caller,
        read: (call) => upstream.list(request, call),
        notBefore: jobs.lastEndAt(access),
      });
      return value;
    },
  };
}
