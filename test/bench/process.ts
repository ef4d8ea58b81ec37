import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Memory, Resources } from './meter.ts';

/** A program that serves a URL in a process of its own, with the meter loaded. */
export interface MeasuredProcess extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Sends a message to the program. Resolves to the next message from it. One at a time. */
  send(message: object | string): Promise<unknown>;
  /** CPU time so far, in seconds: user and system mode, all threads. */
  cpuSeconds(): Promise<number>;
  /** Its memory. `collect` collects garbage first; the process needs `--expose-gc` for that. */
  memory(collect?: 'collect'): Promise<Memory>;
  /** Open connections, without the idle ones of pools. */
  sockets(): Promise<number>;
  /** What it holds. Collects garbage. */
  resources(): Promise<Resources>;
  /** Kills it at once. Resolves when it has exited. */
  kill(): Promise<void>;
}

const TIMEOUT_MS = 20_000;
const GRACE_MS = 5_000;

/**
 * Starts a program with these Node flags. Resolves when it has printed its URL on standard error. Rejects with its output
 * when it exits before.
 */
export async function startProcess(
  name: string,
  program: URL,
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<MeasuredProcess> {
  const child = spawnMeasured(program, environment, flags);
  const { url, text } = printedUrl(child.stderr);
  const ended = once(child, 'close').then(() => Promise.reject(new Error(`${name} exited. Its output:\n${text()}`)));
  ended.catch(() => {}); // An error only for pending calls.
  const orExit = <T>(result: Promise<T>) => Promise.race([result, ended, timeout(name)]);

  const send = async (message: object | string) => {
    const reply = once(child, 'message');
    child.send(message);
    return (await orExit(reply))[0];
  };
  const dispose = async () => {
    const killing = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.kill();
    await ended.catch(() => clearTimeout(killing));
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await ended.catch(() => {});
  };
  const cpuSeconds = async () => {
    const { user, system } = (await send('cpu')) as NodeJS.CpuUsage; // The meter's reply.
    return (user + system) / 1e6;
  };
  const memory = (collect?: 'collect') => send(collect ?? 'memory') as Promise<Memory>; // The meter's reply.
  const sockets = () => send('sockets') as Promise<number>; // The meter's reply.
  const resources = () => send('resources') as Promise<Resources>; // The meter's reply.
  try {
    const calls = { send, cpuSeconds, memory, sockets, resources, kill };
    return { name, url: await orExit(url), ...calls, [Symbol.asyncDispose]: dispose };
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
  const { NODE_COMPILE_CACHE } = process.env;
  return spawn(process.execPath, [...flags, '--import', meter.href, fileURLToPath(program)], {
    // The settings of this process are not inherited: a key must not reach the measured process.
    env: { NODE_ENV: 'production', ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }), ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

/** The URL that a server prints, as soon as it does, and the end of its output so far. */
export function printedUrl(output: Readable | null): { url: Promise<string>; text: () => string } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  output?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4_000);
    const [url] = text.match(/http:\/\/127\.0\.0\.1:\d+\/(graphql|v1)\b/) ?? [];
    if (url) resolve(url);
  });
  return { url: promise, text: () => text };
}

function timeout(name: string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${name} did not respond for ${TIMEOUT_MS} ms.`)), TIMEOUT_MS).unref();
  });
}
