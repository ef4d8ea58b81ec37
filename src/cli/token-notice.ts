import type { Stats } from 'node:fs';

/** The message after a new token. `holder` is its name and role; `file` is the token file. */
export function tokenNotice(holder: string, file: string, output: { isTerminal: boolean; isShared: boolean }): string {
  const keepsHash = `The file ${JSON.stringify(file)} keeps only its hash.`;
  if (output.isTerminal) return `This is the token of ${holder}. Copy it now: it is shown only once. ${keepsHash}`;
  const notice = `The token of ${holder} is on standard output. ${keepsHash}`;
  if (!output.isShared) return notice;
  return `${notice}\nWarning: other users may read the file that standard output is written to. Restrict it with chmod 600, or run umask 077 before this command.`;
}

/** Whether an output is a file that the group or all users may read or write. Windows has no such modes. */
export function isSharedFile(stats: Pick<Stats, 'isFile' | 'mode'>, platform: NodeJS.Platform): boolean {
  return platform !== 'win32' && stats.isFile() && (stats.mode & 0o077) !== 0;
}
