import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../api/api-error.ts';

/** Uploads on disk: in a folder of their own, which goes with the sandbox. */
export interface Spool {
  /** Writes what comes, as fast as it comes, and gives its length. Rejects with a Refusal past a limit; then nothing stays. */
  store(id: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  read(id: string): AsyncIterable<Uint8Array>;
  remove(id: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface SpoolLimits {
  /** Bytes of one file: OpenAI's 512 MB unless said otherwise. */
  readonly mostFileBytes?: number | undefined;
  /** Bytes of all files that are there: a folder, not the 2.5 TB of a project. */
  readonly mostStoredBytes?: number | undefined;
}

export function createSpool({ mostFileBytes = 512 * 2 ** 20, mostStoredBytes = 2 ** 32 }: SpoolLimits): Spool {
  let folder: Promise<string> | undefined;
  const lengths = new Map<string, number>();
  const writing = new Set<Promise<unknown>>();
  const pathOf = async (id: string) => {
    folder ??= mkdtemp(join(tmpdir(), 'fine-tuning-sandbox-'));
    return join(await folder, id);
  };

  async function* counted(id: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const others = [...lengths.values()].reduce((sum, length) => sum + length, 0);
    let length = 0;
    lengths.set(id, length); // There is a file from now on, whatever comes.
    for await (const chunk of chunks) {
      length += chunk.length;
      lengths.set(id, length);
      if (length > mostFileBytes) throw new ApiError(413, `The file is larger than ${mostFileBytes} bytes.`, 'file');
      if (others + length > mostStoredBytes) throw new ApiError(413, 'There is no room for more files.', 'file');
      yield chunk;
    }
  }

  async function write(id: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const path = await pathOf(id);
    try {
      await pipeline(counted(id, chunks), createWriteStream(path));
      return lengths.get(id) ?? 0;
    } catch (error) {
      await remove(id);
      throw error;
    }
  }

  async function remove(id: string): Promise<void> {
    if (!lengths.delete(id)) return;
    await rm(await pathOf(id), { force: true });
  }

  return {
    async store(id, chunks) {
      const written = write(id, chunks);
      const settled = written.catch(() => {}).finally(() => writing.delete(settled));
      writing.add(settled);
      return await written;
    },
    async *read(id) {
      yield* createReadStream(await pathOf(id));
    },
    remove,
    async dispose() {
      await Promise.all(writing);
      const opened = await folder;
      if (opened !== undefined) await rm(opened, { recursive: true, force: true });
    },
  };
}
