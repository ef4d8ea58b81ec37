import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSelfSigned } from './certificate.ts';
import { makeFolder } from './folder.ts';
import { freePort } from './free-port.ts';

/** Whether an nginx is installed. Tests that need one are skipped without it. */
export function hasNginx(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts nginx with the files of deploy/ in front of one gateway or of three. Only addresses and paths differ from the files;
 * without `hasTls` the scheme, as browsers do not accept its key; without `isKeptAlive` also the header `Connection`, which is then nginx's default toward upstreams: `close`.
 */
export async function startNginx(
  gatewayUrls: string | readonly string[],
  { isKeptAlive = true, hasTls = true } = {},
): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const folder = makeSite(port, upstreamOf(gatewayUrls), isKeptAlive, hasTls);
  const child = spawn('nginx', argumentsFor(folder), { stdio: ['ignore', 'ignore', 'pipe'] });
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
    url: `${hasTls ? 'https' : 'http'}://127.0.0.1:${port}/ft/graphql`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The complaints of `nginx -t` about a file of deploy/ with gateways; empty without one. */
export async function problemsOfNginx(upstreamFile: string): Promise<string> {
  const folder = makeSite(await freePort(), readFileSync(upstreamFile, 'utf8'));
  const { status, stderr } = spawnSync('nginx', ['-t', '-q', ...argumentsFor(folder)], { encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

/** The file with the gateways, with these addresses. */
function upstreamOf(gatewayUrls: string | readonly string[]): string {
  const hosts = [gatewayUrls].flat().map((url) => new URL(url).host);
  const file = hosts.length === 1 ? 'deploy/nginx-upstream.conf' : 'deploy/nginx-fleet.conf';
  const text = readFileSync(file, 'utf8').replaceAll(/(?<=server )[\d.]+:4000/g, () => hosts.shift() ?? 'no-address');
  if (hosts.length > 0) throw new Error(`${file} has fewer gateways.`);
  return text;
}

/** A folder with the configuration of an nginx that listens on this port of loopback. */
function makeSite(port: number, upstream: string, isKeptAlive = true, hasTls = true): string {
  const { key, cert } = createSelfSigned('tuning.example.com');
  const site = readFileSync('deploy/nginx.conf', 'utf8')
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port}${hasTls ? ' ssl' : ''};`)
    .replaceAll('/etc/nginx/tls/', 'tls/')
    .replace(isKeptAlive ? '' : 'proxy_set_header Connection $connection_upgrade;', '');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp;`);
  return makeFolder({
    'site.conf': site,
    'upstream.conf': upstream,
    'tls/tls.crt': cert,
    'tls/tls.key': key,
    'nginx.conf': [
      'daemon off; master_process off; pid nginx.pid; error_log stderr warn;',
      'events {}',
      `http { access_log off; ${temporary.join(' ')} include site.conf; include upstream.conf; }`,
    ].join('\n'),
  });
}

const argumentsFor = (folder: string) => ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];

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
