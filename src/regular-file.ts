import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';

/** Thrown for a file of another kind, or a larger one. The message is a predicate, such as `is a FIFO`. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

// Errors of this process or machine: they say nothing about the file.
const OUT_OF_RESOURCES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** Whether a read failed only because this process or machine has no descriptor or memory left. */
export const isOutOfResources = (error: unknown): boolean => OUT_OF_RESOURCES.has(Object(error).code);

// Windows has neither flag. O_NONBLOCK: the file could be replaced by a FIFO after the first check.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const APPEND_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** The content of a file, and the time of its last change in milliseconds since the epoch. */
export interface FileContent {
  readonly text: string;
  /** The change of its content, mode or name: unlike the time of modification, no program can set it. */
  readonly changedAt: number;
}

/**
 * Reads a regular file of at most `maxBytes` bytes as UTF-8. Follows symbolic links. Never waits for a writer, as a FIFO and
 * some devices would make it. Throws a FileError for anything else in its place, or Node's error of a failed call.
 */
export function readRegularFile(path: string, maxBytes: number): FileContent {
  assertRegular(statSync(path)); // Before the open, which can have effects on a FIFO or a device.
  const fd = openSync(path, FLAGS);
  try {
    assertRegular(fstatSync(fd));
    const text = readAtMost(fd, maxBytes).toString('utf8');
    return { text, changedAt: fstatSync(fd).ctimeMs }; // After the read: a change in between counts as recent.
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens a regular file to append to it. Creates it for its owner alone when it does not exist. Returns the file descriptor.
 * Throws as `readRegularFile` does.
 */
export function openToAppend(path: string): number {
  const fd = openSync(path, APPEND_FLAGS, 0o600);
  try {
    assertRegular(fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function assertRegular(stats: Stats): void {
  if (!stats.isFile()) throw new FileError(`is ${kindOf(stats)}`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}

const CHUNK_BYTES = 16 * 1024;

// Not by the size in the stats: files in /proc have none, and a file can grow while it is read.
function readAtMost(fd: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.min(maxBytes + 1 - size, CHUNK_BYTES));
    const length = readSync(fd, chunk);
    if (length === 0) return Buffer.concat(chunks, size);
    size += length;
    if (size > maxBytes) throw new FileError(`is larger than ${maxBytes} bytes`);
    chunks.push(chunk.subarray(0, length));
  }
}
