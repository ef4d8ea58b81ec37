import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createSelfSigned } from './certificate.ts';
import { makeFolder } from './folder.ts';

/** Whether an nginx is installed. Tests that need one are skipped without it. */
export function hasNginx(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as import('node:net').AddressInfo; // A TCP server has such an address.
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts nginx with deploy/nginx.conf in front of a gateway. Only addresses and paths differ from the file; without
 * `isKeptAlive` also the header `Connection`, which is then nginx's default toward upstreams: `close`.
 */
export async function startNginx(
  gatewayUrl: string,
  { isKeptAlive = true } = {},
): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const { key, cert } = createSelfSigned('tuning.example.com');
  const site = readFileSync('deploy/nginx.conf', 'utf8')
    .replace('server 127.0.0.1:4000;', `server ${new URL(gatewayUrl).host};`)
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`)
    .replaceAll('/etc/nginx/tls/', 'tls/')
    .replace(isKeptAlive ? '' : 'proxy_set_header Connection $connection_upgrade;', '');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp;`);
  const folder = makeFolder({
    'site.conf': site,
    'tls/tls.crt': cert,
    'tls/tls.key': key,
    'nginx.conf': [
      'daemon off; master_process off; pid nginx.pid; error_log stderr warn;',
      'events {}',
      `http { access_log off; ${temporary.join(' ')} include site.conf; }`,
    ].join('\n'),
  });
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
  const child = spawn('nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const exited = once(child, 'exit');
  await listening(
    port,
    () => child.exitCode,
    () => errors,
  );
  return {
    url: `https://127.0.0.1:${port}/ft/graphql`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Resolves when something accepts connections on the port. */
async function listening(port: number, exitCode: () => number | null, errors: () => string): Promise<void> {
  for (;;) {
    if (exitCode() !== null) throw new Error(`nginx exited: ${errors()}`);
    const isOpen = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
