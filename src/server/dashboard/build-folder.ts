import { lstat, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SOURCES } from './bundle.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;

/**
 * Rejects when another user can place scripts in this folder. As in compile-cache.cjs, but root and the owner of the
 * sources may own it too: a container image is built by another user than the one that runs it.
 */
export async function assertTrusted(folder: string): Promise<void> {
  const stats = await lstat(folder);
  if (!stats.isDirectory()) throw new Error(`${folder}: is no folder.`);
  const uid = process.getuid?.();
  if (uid === undefined) return; // Windows has neither user ids nor modes.
  const owners = [uid, ROOT, (await stat(SOURCES)).uid];
  if (!owners.includes(stats.uid)) throw new Error(`${folder}: belongs to another user.`);
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) throw new Error(`${folder}: other users can write to it.`);
}

/**
 * Removes the folders of other sources, and those of processes that were killed while they wrote. Younger ones stay: a
 * process of another version can use them.
 */
export async function removeOldBuilds(cache: string, newest: string): Promise<void> {
  const { mtimeMs } = await stat(join(cache, newest));
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const maxAgeMs = name.startsWith('new-') ? HOUR_MS : DAY_MS;
    if (mtimeMs - (await stat(path)).mtimeMs > maxAgeMs) await rm(path, { recursive: true, force: true });
  }
}
