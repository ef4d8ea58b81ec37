import { closeSync, fsyncSync, writeSync } from 'node:fs';
import { openToAppend } from '../regular-file.ts';

/** A file of records, one JSON object per line. */
export interface AuditFile {
  /** Appends a record. Returns when the operating system has it. Throws Node's error when it cannot be written. */
  append(record: object): void;
  /** Opens the path again, after another program has renamed the file. Throws when that fails; then the old file stays in use. */
  reopen(): void;
  /** Flushes the file to the disk and closes it. */
  close(): void;
}

/** Opens the file. `redact` is applied to each line. Throws when it cannot be opened. */
export function openAuditFile(path: string, redact: (line: string) => string): AuditFile {
  let fd = openToAppend(path);
  let isLinePartial = false; // The disk was full: the next record begins on a line of its own.

  const close = () => {
    fsyncSync(fd);
    closeSync(fd);
  };

  return {
    append(record) {
      const bytes = Buffer.from(`${isLinePartial ? '\n' : ''}${redact(JSON.stringify(record))}\n`);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written);
        isLinePartial = false;
      } catch (error) {
        isLinePartial ||= written > 0;
        throw error;
      }
    },
    reopen() {
      const next = openToAppend(path);
      close();
      fd = next;
      isLinePartial = false;
    },
    close,
  };
}
