import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Memory } from './meter.ts';

/** A program in a process of its own that answers at a URL, loaded with the meter. */
export interface MeasuredProcess extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Sends a message to the program and gives the next one that comes back. One at a time. */
  ask(message: object | string): Promise<unknown>;
  /** Processor time that it has used so far, in seconds: user and system mode, all threads. */
  cpuSeconds(): Promise<number>;
  /** What it holds in memory; `collect` makes it throw its garbage away first, if it runs with `--expose-gc`. */
  memory(collect?: 'collect'): Promise<Memory>;
  /** Connections that it has open, those that rest in a pool left out. */
  sockets(): Promise<number>;
}

const PATIENCE_MS = 20_000;
const GRACE_MS = 5_000;

/**
 * Starts a program, with these flags for Node, and waits until it tells its URL on standard error. Rejects with what it
 * told instead when it ends.
 */
export async function startProcess(
  name: string,
  program: URL,
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<MeasuredProcess> {
  const child = spawnMeasured(program, environment, flags);
  const { url, text } = listen(child);
  const ended = once(child, 'close').then(() => Promise.reject(new Error(`${name} has ended. It told:\n${text()}`)));
  ended.catch(() => {}); // Only a fault while somebody waits for it.
  const orFault = <T>(wish: Promise<T>) => Promise.race([wish, ended, timeout(name)]);

  const ask = async (message: object | string) => {
    const reply = once(child, 'message');
    child.send(message);
    return (await orFault(reply))[0];
  };
  const dispose = async () => {
    const cut = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.kill();
    await ended.catch(() => clearTimeout(cut));
  };
  const cpuSeconds = async () => {
    const { user, system } = (await ask('cpu')) as NodeJS.CpuUsage; // The meter's answer.
    return (user + system) / 1e6;
  };
  const memory = (collect?: 'collect') => ask(collect ?? 'memory') as Promise<Memory>; // The meter's answer.
  const sockets = () => ask('sockets') as Promise<number>; // The meter's answer.
  try {
    return { name, url: await orFault(url), ask, cpuSeconds, memory, sockets, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function spawnMeasured(
  program: URL,
  environment: Readonly<Record<string, string>>,
  flags: readonly string[],
): ChildProcess {
  const meter = new URL('./meter.ts', import.meta.url);
  return spawn(process.execPath, [...flags, '--import', meter.href, fileURLToPath(program)], {
    // Nothing is inherited: a key or a setting of whoever runs this must not reach what is measured.
    env: { NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function listen({ stderr }: ChildProcess): { url: Promise<string>; text: () => string } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-4_000);
    const [url] = text.match(/http:\/\/127\.0\.0\.1:\d+\/(graphql|v1)\b/) ?? [];
    if (url) resolve(url);
  });
  return { url: promise, text: () => text };
}

function timeout(name: string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${name} gave no sign for ${PATIENCE_MS} ms.`)), PATIENCE_MS).unref();
  });
}
