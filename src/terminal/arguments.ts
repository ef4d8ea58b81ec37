import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { UsageError } from './terminal-errors.ts';

export const help = `Shows the fine-tuning jobs that move, as they are now at a gateway, and how they go on.

Usage:
  npm run watch               shows all jobs that move, until Ctrl-C
  npm run watch -- JOB        shows one job, by its id, until its end

Options:
  --url URL           the gateway (default: GATEWAY_URL, or http://127.0.0.1:4000/graphql)
  --token-file FILE   a file with the token that the gateway wants (default: the token itself in GATEWAY_TOKEN)
  -h, --help          shows this

In a terminal it draws a picture, in colours unless NO_COLOR is set; elsewhere it writes a line for each change.
When the gateway goes away, it waits until it is there again, and misses nothing.

Ends with 0 when JOB has succeeded, with 1 when it has failed or was cancelled, with 2 when there is something to change
(no gateway there, no such job, a token that is refused), and at Ctrl-C with 130, or with 0 without JOB.
`;

export interface Arguments {
  readonly wantsHelp: boolean;
  readonly jobId: string | undefined;
  readonly url: string;
  readonly token: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line and the environment say. Throws a `Fault` that says what to change. */
export function readArguments(args: readonly string[], environment: Environment): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError('JOB: expected one job at most\nSee: npm run watch -- --help');
  const { url = environment['GATEWAY_URL'] || 'http://127.0.0.1:4000/graphql', help = false } = values;
  const { protocol, username, password } = URL.parse(url) ?? {};
  if (!/^https?:$/.test(protocol ?? '') || username || password)
    throw new UsageError('--url: expected the http or https URL of a gateway, without a user');
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

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--token-file: expected a file that can be read (${Object(error).code})`);
  }
}
