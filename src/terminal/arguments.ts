import { parseArgs } from 'node:util';
import { FileError, readRegularFile } from '../regular-file.ts';
import { UsageError } from './terminal-errors.ts';

export const help = `Shows the active fine-tuning jobs of a gateway and follows their changes.

Usage:
  npm run watch               follows all active jobs, until Ctrl-C
  npm run watch -- JOB        follows one job, by its id, until it ends

Options:
  --url URL           URL of the gateway (default: GATEWAY_URL, or http://127.0.0.1:4000/graphql)
  --token-file FILE   file that contains your token for the gateway (default: the token in GATEWAY_TOKEN)
  -h, --help          prints this help

In a terminal it redraws a table, in color unless NO_COLOR is set. Otherwise it prints one line per change.
When the connection is lost, it reconnects and continues without gaps.

Exit codes:
  0    JOB succeeded; without JOB, Ctrl-C
  1    JOB failed or was cancelled
  2    something has to be changed: no gateway at the URL, no such job, a rejected token
  130  Ctrl-C before JOB ended
`;

export interface Arguments {
  readonly wantsHelp: boolean;
  readonly jobId: string | undefined;
  readonly url: string;
  readonly token: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the command line and the environment. Throws a UsageError. */
export function readArguments(args: readonly string[], environment: Environment): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) {
    throw new UsageError(`JOB: got ${positionals.length} jobs; expected at most one\nSee: npm run watch -- --help`);
  }
  const { url = environment['GATEWAY_URL'] || 'http://127.0.0.1:4000/graphql', help = false } = values;
  const { protocol, username, password } = URL.parse(url) ?? {};
  if (!/^https?:$/.test(protocol ?? '') || username || password)
    throw new UsageError('--url: is not an http or https URL without user, such as http://127.0.0.1:4000/graphql');
  const file = values['token-file'];
  const token = file === undefined ? environment['GATEWAY_TOKEN'] : readToken(file);
  return { wantsHelp: help, jobId: positionals[0], url, token: token?.trim() || undefined };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const help = { type: 'boolean', short: 'h' } as const;
  try {
    return parseArgs({ args: [...args], options: { url: text, 'token-file': text, help }, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\nSee: npm run watch -- --help`);
  }
}

const MAX_TOKEN_FILE_BYTES = 16 * 1024;

function readToken(file: string): string {
  try {
    return readRegularFile(file, MAX_TOKEN_FILE_BYTES).text;
  } catch (error) {
    const reason = error instanceof FileError ? `it ${error.message}` : Object(error).code;
    throw new UsageError(`--token-file: cannot read ${file} (${reason}); expected a file with a token`);
  }
}
