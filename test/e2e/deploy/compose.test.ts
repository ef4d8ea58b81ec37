import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { settings } from '../../../src/config/settings.ts';
import { problemsOfDeployed } from '../../kit/process/config-problems.ts';
import { hasNginx, problemsOfNginx } from '../../kit/process/nginx.ts';

interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: { readonly default: { readonly ipv4_address: string } };
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, object>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const readCompose = (file: string): Compose => parse(readFileSync(file, 'utf8'), { merge: true });
const ONE = readCompose('deploy/compose.yaml');
const FLEET = readCompose('deploy/compose.fleet.yaml');
const REPLICAS = ['gateway-1', 'gateway-2', 'gateway-3'];

/** The file of deploy/ that nginx has as this file of its own. */
const mountedIn = ({ services }: Compose, target: string) =>
  services['nginx']?.volumes?.map((volume) => volume.split(':')).find(([, path]) => path === target)?.[0];

describe.each([
  ['deploy/compose.yaml', ONE, ['gateway']],
  ['deploy/compose.fleet.yaml', FLEET, REPLICAS],
] as const)('%s', (_, compose, gateways) => {
  const services = Object.values(compose.services);

  it('pins the version of each image', () => {
    for (const { image } of services) if (image !== undefined) expect(image).toMatch(/:v?\d+\.\d+\.\d+(-\w+)?$/);
    expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^ARG NODE_IMAGE=node:24\.\d+\.\d+-slim$/m);
  });

  it.each(gateways)('sets the settings of %s to valid values, with secrets that it has', (name) => {
    const { environment = {}, secrets = [] } = compose.services[name] ?? {};
    expect(Object.keys(environment).filter((setting) => !settings.has(setting))).toEqual([]);
    expect(problemsOfDeployed(environment)).toEqual([]);
    const files = Object.values(environment).filter((value) => value.startsWith('/run/secrets/'));
    expect(files).toEqual(secrets.map((secret) => `/run/secrets/${secret}`));
  });

  it('has the secrets and files that it mounts', () => {
    for (const { secrets = [], volumes = [] } of services) {
      expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...secrets]));
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        const isThere = source === './tls' || source in compose.volumes || existsSync(join('deploy', source));
        expect(isThere, source).toBe(true);
      }
    }
  });

  it.skipIf(!hasNginx())('has a configuration that nginx accepts', async () => {
    expect(mountedIn(compose, '/etc/nginx/conf.d/default.conf')).toBe('./nginx.conf');
    const upstream = mountedIn(compose, '/etc/nginx/conf.d/upstream.conf') ?? '';
    expect(upstream).toBe(compose === ONE ? './nginx-upstream.conf' : './nginx-fleet.conf');
    expect(await problemsOfNginx(join('deploy', upstream))).toBe('');
    expect(await problemsOfNginx('deploy/compose.yaml')).toContain('[emerg]'); // The check sees a mistake.
  });
});

describe('deploy/compose.yaml', () => {
  it('lets Prometheus scrape the metrics, with the alert rules', () => {
    const prometheus = parse(readFileSync('deploy/prometheus.yaml', 'utf8'));
    const port = ONE.services['gateway']?.environment?.['METRICS_PORT'];
    expect(prometheus.scrape_configs).toMatchObject([{ static_configs: [{ targets: [`gateway:${port}`] }] }]);
    for (const file of prometheus.rule_files) expect(existsSync(join('deploy', file))).toBe(true);
  });
});

describe('deploy/compose.fleet.yaml', () => {
  const upstream = readFileSync('deploy/nginx-fleet.conf', 'utf8');
  const addressOf = (name: string) => FLEET.services[name]?.networks?.default.ipv4_address;

  it('gives the replicas the addresses that nginx has, and trusts the address of nginx', () => {
    const servers = [...upstream.matchAll(/server ([\d.]+):4000/g)].map(([, address]) => address);
    expect(REPLICAS.map(addressOf)).toEqual(servers);
    for (const name of REPLICAS) expect(FLEET.services[name]?.environment?.['TRUST_PROXY']).toBe(addressOf('nginx'));
  });

  it('keeps idle connections open for longer than nginx does', () => {
    const nginxMs = 1000 * Number(/keepalive_timeout (\d+)s;/.exec(upstream)?.[1]);
    for (const name of REPLICAS) {
      expect(Number(FLEET.services[name]?.environment?.['IDLE_DRAIN_MS'])).toBeGreaterThanOrEqual(2 * nginxMs);
    }
  });
});
