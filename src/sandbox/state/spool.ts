import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../api/api-error.ts';

/** Stores uploads on disk, in a temporary folder that is removed with the sandbox. */
export interface Spool {
  /** Stores chunks as they arrive. Resolves to their size in bytes. Above a limit, removes them and throws ApiError. */
  store(id: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  read(id: string): AsyncIterable<Uint8Array>;
  remove(id: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface SpoolLimits {
  /** Maximum size of a file in bytes; 512 MiB by default, the limit of OpenAI. */
  readonly maxFileBytes?: number | undefined;
  /** Maximum size of all stored files in bytes; 4 GiB by default, where a project of OpenAI has 2.5 TB. */
  readonly maxStoredBytes?: number | undefined;
}

const FOLDER_PREFIX = 'fine-tuning-sandbox-';

/** One line that names the directory for uploads when it is not writable, and says what to do; else null. */
export async function findSpoolProblem(): Promise<string | null> {
  const directory = tmpdir();
  try {
    await rmdir(await mkdtemp(join(directory, FOLDER_PREFIX)));
    return null;
  } catch (error) {
    return `TMPDIR: the sandbox cannot write to ${directory} (${Object(error).code}), so uploads to it fail; set TMPDIR to a writable directory, or make this one writable, such as by docker run --tmpfs ${directory}.`;
  }
}

export function createSpool({ maxFileBytes = 512 * 2 ** 20, maxStoredBytes = 2 ** 32 }: SpoolLimits): Spool {
  let folder: Promise<string> | undefined;
  const sizes = new Map<string, number>();
  const pendingWrites = new Set<Promise<unknown>>();
  const pathOf = async (id: string) => join(await openFolder(), id);

  /** Creates the folder once; after a failure, the next upload tries again. */
  async function openFolder(): Promise<string> {
    folder ??= mkdtemp(join(tmpdir(), FOLDER_PREFIX));
    const opened = folder;
    try {
      return await opened;
    } catch (error) {
      if (folder === opened) folder = undefined;
      throw error;
    }
  }

  async function* checkSize(id: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const otherBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    let size = 0;
    sizes.set(id, size); // `remove` deletes the file from now on.
    for await (const chunk of chunks) {
      size += chunk.length;
      sizes.set(id, size);
      if (size > maxFileBytes) throw new ApiError(413, `The file is larger than ${maxFileBytes} bytes.`, 'file');
      if (otherBytes + size > maxStoredBytes) throw new ApiError(413, 'There is no room for more files.', 'file');
      yield chunk;
    }
  }

  async function write(id: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const path = await pathOf(id);
    try {
      await pipeline(checkSize(id, chunks), createWriteStream(path));
      return sizes.get(id) ?? 0;
    } catch (error) {
      await remove(id);
      throw error;
    }
  }

  async function remove(id: string): Promise<void> {
    if (!sizes.delete(id)) return;
    await rm(await pathOf(id), { force: true });
  }

  return {
    async store(id, chunks) {
      const written = write(id, chunks);
      const settled = written.catch(() => {}).finally(() => pendingWrites.delete(settled));
      pendingWrites.add(settled);
      return await written;
    },
    async *read(id) {
      yield* createReadStream(await pathOf(id));
    },
    remove,
    async dispose() {
      await Promise.all(pendingWrites);
      const path = await folder;
      if (path !== undefined) await rm(path, { recursive: true, force: true });
    },
  };
}
