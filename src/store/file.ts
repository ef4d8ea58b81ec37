import { type FileObject, type FilePageRequest, isSettled } from '../upstream/file.ts';
import type { Page } from '../upstream/page.ts';
import { isName } from '../upstream/path.ts';
import type { Caller } from './flights.ts';
import { aboutJobFreshUntil, activeFreshUntil, type JobEnd, type Sight, settledFreshUntil } from './freshness.ts';
import type { JobStore } from './job.ts';
import { createLists, type KeptPage } from './list.ts';
import type { PartOptions } from './parts.ts';
import { createReads, later } from './reads.ts';
import type { Access } from './scope.ts';
import { weigh } from './weight.ts';

type FileSight = Sight<FileObject | null>;

export interface FileStore {
  /** The file as it is now, null when there is none; `end` is that of the job that names it. Throws as `list`. */
  get(access: Access, id: string, end: JobEnd, caller: Caller): Promise<FileObject | null>;
  /** One page of the files. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, request: FilePageRequest, caller: Caller): Promise<Page<FileObject>>;
  /** The file if it is kept and fresh, null when it is known that there is none. */
  fresh(access: Access, id: string, end: JobEnd, caller: Caller): FileObject | null | undefined;
  /** The file as it was last seen, however old that is, if only its deletion could have changed it. */
  settled(access: Access, id: string): FileObject | undefined;
  /** Whether this id was last seen as that of a file. */
  knows(access: Access, id: string): boolean;
}

export function createFileStore({ upstream, clock, room, limits }: PartOptions, jobs: JobStore): FileStore {
  const files = createReads<FileObject | null, FileSight>({
    clock,
    shelf: limits.activeMs > 0 || limits.settledMs > 0 ? room.shelf('file') : null,
    choose: later,
    weigh,
  });
  const pages = createLists<FileObject>({
    clock,
    shelf: limits.activeMs > 0 ? room.shelf<KeptPage>('files') : null,
    things: files,
    freshUntil: (arrivedAt) => activeFreshUntil(arrivedAt, limits),
  });

  // Ids are never given twice: a file that was gone when its job had settled stays gone.
  function freshUntil(sight: FileSight, end: JobEnd): number {
    if (sight.value === null) return aboutJobFreshUntil(sight, end, limits);
    return isSettled(sight.value)
      ? settledFreshUntil(sight.arrivedAt, limits)
      : activeFreshUntil(sight.arrivedAt, limits);
  }

  return {
    async get(access, id, end, caller) {
      if (!isName(id)) return null;
      const { value } = await files.get({
        access,
        name: id,
        caller,
        freshUntil: (sight) => freshUntil(sight, end),
        read: (call) => upstream.files.get(id, call),
        notBefore: end.endedAt,
      });
      return value;
    },
    async list(access, request, caller) {
      const { limit, after, purpose, order } = request;
      const name = JSON.stringify([limit, after, purpose, order]);
      const { value } = await pages.get({
        access,
        name,
        caller,
        read: (call) => upstream.files.list(request, call),
        notBefore: jobs.lastEndAt(access),
      });
      return value;
    },
    fresh(access, id, end, caller) {
      const sight = files.kept(access, id);
      if (sight === undefined || clock.now() >= freshUntil(sight, end)) return undefined;
      caller.freshUntil = Math.min(caller.freshUntil, freshUntil(sight, end));
      return sight.value;
    },
    settled(access, id) {
      const file = files.kept(access, id)?.value;
      return file && isSettled(file) ? file : undefined;
    },
    knows: (access, id) => Boolean(files.kept(access, id)?.value),
  };
}
