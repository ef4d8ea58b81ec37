import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';

/** The installed server: Valkey or Redis; null without one. Tests that need it are skipped then. */
export const redisProgram: string | null = ['valkey-server', 'redis-server'].find(isInstalled) ?? null;

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts the server on this port of loopback. `options` are arguments. Resolves when it answers; rejects when it ends. */
export async function spawnRedis(port: number, options: readonly string[]): Promise<ChildProcess> {
  if (redisProgram === null) throw new Error('Neither valkey-server nor redis-server is installed.');
  const address = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
  const child = spawn(redisProgram, [...address, ...options], { stdio: 'ignore' });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${redisProgram} ${address.join(' ')} ended with code ${code}`);
  });
  const probe = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  probe.on('error', () => {}); // Not yet.
  const answered = probe.ping().catch(() => {}); // An error is an answer, too: the server may want a password.
  try {
    await Promise.race([answered, ended]);
  } finally {
    probe.disconnect();
    ended.catch(() => {}); // The test ends it.
  }
  return child;
}

/** Kills the server, as `kill -9` does. */
export async function killRedis(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
