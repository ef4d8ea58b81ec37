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

/** Starts the server on this port of loopback. `options` are arguments. Resolves when it answers. */
export async function spawnRedis(port: number, options: readonly string[]): Promise<ChildProcess> {
  if (redisProgram === null) throw new Error('Neither valkey-server nor redis-server is installed.');
  const address = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
  const child = spawn(redisProgram, [...address, ...options], { stdio: 'ignore' });
  const probe = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20 });
  probe.on('error', () => {}); // Not yet.
  await probe.ping().catch(() => {}); // An error is an answer, too: the server may want a password.
  probe.disconnect();
  return child;
}

/** Kills the server, as `kill -9` does. */
export async function killRedis(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
