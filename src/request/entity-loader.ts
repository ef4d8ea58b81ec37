import DataLoader from 'dataloader';
import type { JobEnd } from '../store/cache/freshness.ts';
import type { ReadContext } from '../store/cache/read-context.ts';
import { backgroundContext, runInBackground } from '../store/cache/refresh-ahead.ts';
import type { Access } from '../store/cache/scope.ts';
import type { EntityStore } from '../store/resources/entity.ts';
import { isOutage, isRejection, UpstreamError } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { PageItem } from '../upstream/resources/page.ts';

/** The key of an entity in a batch, with the end of the job that refers to it. */
interface EntityKey {
  readonly id: string;
  readonly end: JobEnd;
}

/** How entities of one kind are read. */
interface EntitySource<T> {
  readonly store: Pick<EntityStore<T>, 'get' | 'getFresh' | 'getSettled'>;
  /** Reads the list that has most of the entities. */
  readList(readContext: ReadContext): Promise<ReadonlyMap<string, T>>;
  /** Maximum single reads per batch. */
  readonly maxSingleReads: number;
}

export type EntityLoader<T> = DataLoader<EntityKey, T | null, string>;

/** Loads entities in the fewest calls: one list if many are unknown, and single reads for those that it lacks. */
export function createEntityLoader<T>(
  access: Access,
  readContext: ReadContext,
  source: EntitySource<T>,
): EntityLoader<T> {
  return new DataLoader<EntityKey, T | null, string>(
    (keys) => allSettled(readAhead(keys, access, readContext, source)),
    {
      cacheKeyFn: ({ id }) => id,
    },
  );
}

/** Reads entities, and those that are due in the background. */
function readAhead<T>(
  keys: readonly EntityKey[],
  access: Access,
  readContext: ReadContext,
  source: EntitySource<T>,
): Promise<T | null>[] {
  const due: EntityKey[] = [];
  const reads = readEntities(keys, access, readContext, source, due);
  if (due.length > 0) {
    runInBackground(Promise.all(readEntities(due, access, backgroundContext(readContext), source)));
  }
  return reads;
}

function readEntities<T>(
  keys: readonly EntityKey[],
  access: Access,
  readContext: ReadContext,
  { store, readList, maxSingleReads }: EntitySource<T>,
  due?: EntityKey[],
): Promise<T | null>[] {
  const cached = keys.map((key) =>
    isValidName(key.id) ? store.getFresh(access, key.id, key.end, readContext, () => due?.push(key)) : null,
  );
  const unknownCount = cached.filter((entity) => entity === undefined).length;
  const list = unknownCount > maxSingleReads ? readList(readContext).catch(emptyIfRejected) : null;
  const read = async ({ id, end }: EntityKey) => {
    try {
      return (list && (await list).get(id)) ?? (await store.get(access, id, end, readContext));
    } catch (error) {
      const settled = isOutage(error) ? store.getSettled(access, id) : undefined;
      if (settled === undefined) throw error;
      return settled;
    }
  };
  return keys.map((key, index) => {
    const entity = cached[index];
    return entity === undefined ? read(key) : Promise.resolve(entity);
  });
}

// A server can reject the list and still return single entities. In an outage, single reads would fail too.
function emptyIfRejected(error: unknown): ReadonlyMap<string, never> {
  const isInvalid = error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE';
  if (isInvalid || isRejection(error)) return new Map<string, never>();
  throw error;
}

export function valuesById<T extends { id: string }>(items: readonly PageItem<T>[]): Map<string, T> {
  return new Map(items.flatMap(({ value }) => (value ? [[value.id, value]] : [])));
}

/** Resolves to the values of a batch for DataLoader. Each read has its own error. */
export function allSettled<T>(reads: readonly Promise<T>[]): Promise<(T | Error)[]> {
  const [first] = reads;
  if (first && reads.length === 1)
    return first.then(
      (value) => [value],
      (reason) => [toError(reason)],
    );
  return Promise.all(reads.map((read) => read.catch(toError)));
}

// DataLoader expects an Error in place of the value of a key that failed.
function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The read was aborted.', { cause: reason });
}
