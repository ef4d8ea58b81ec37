import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createCounter } from '../counter.ts';
import { assertNoSecrets, secretSettings } from '../secrets.ts';

/** The root of the repository. */
const ROOT = join(import.meta.dirname, '../../..');
/** Halves the start of a process: it finds its TypeScript sources compiled. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), 'finetune-gateway-compile-cache') };

/**
 * A script of package.json as a process of its own, without the settings of this process. Its disposal throws when one of
 * its secrets is in its output.
 */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  /** Everything on both outputs so far. */
  readonly output: { text: string };
  /** Resolves to the match as soon as the output has one. Rejects when the process exits before. */
  waitForOutput(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** Resolves to the exit code when the process has exited and its outputs are closed. */
  readonly ended: Promise<number | null>;
}

export function startScript(
  script: string,
  args: readonly string[] = [],
  settings: Record<string, string> = {},
  cwd = ROOT,
): TestProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--require', './src/require-node.cjs', script, ...args], {
    cwd,
    env: { PATH, HOME, ...COMPILE_CACHE, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return watch(child, settings, (name) => child.kill(name));
}

/** Starts a script that can write at most `kib` KiB to any file. */
export function startWithFileLimit(kib: number, script: string, settings: Record<string, string>): TestProcess {
  const { PATH = '', HOME = '' } = process.env;
  const limited = ['-c', `ulimit -f ${kib}; exec "$0" "$@"`, process.execPath];
  const child = spawn('bash', [...limited, '--require', './src/require-node.cjs', script], {
    cwd: ROOT,
    env: { PATH, HOME, NODE_DISABLE_COMPILE_CACHE: '1', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return watch(child, settings, (name) => child.kill(name));
}

/** `npm start` as in a terminal: `signal` reaches npm and the gateway at once, as Ctrl-C does. */
export function startByNpm(settings: Record<string, string>): TestProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { PATH, HOME, npm_config_update_notifier: 'false', ...COMPILE_CACHE, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('npm: is not in PATH; install it');
  return watch(child, settings, (name) => {
    try {
      process.kill(-pid, name);
    } catch (error) {
      if (Object(error).code !== 'ESRCH') throw error; // All processes have exited.
    }
  });
}

function watch(
  child: ChildProcessByStdio<null, Readable, Readable>,
  settings: Readonly<Record<string, string>>,
  kill: TestProcess['signal'],
): TestProcess {
  const output = { text: '' };
  const writes = createCounter();
  let count = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
      count++;
      writes.count();
    });
  }
  const ended = endOf(child);
  return {
    pid: child.pid ?? Number.NaN,
    output,
    ended,
    async waitForOutput(pattern) {
      for (;;) {
        const match = pattern.exec(output.text);
        if (match) return match;
        const outcome = await Promise.race([writes.reached(count + 1), ended.then(() => 'ended')]);
        if (outcome === 'ended' && !pattern.test(output.text))
          throw new Error(`The process exited. Its output: ${output.text}`);
      }
    },
    signal: kill,
    async [Symbol.asyncDispose]() {
      kill('SIGKILL');
      await ended;
      assertNoSecrets(secretSettings(settings), [output.text]);
    },
  };
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on('close', resolve));
}
