import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { settings } from '../../../src/config/settings.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { tokenFile } from '../../kit/process/token.ts';

const KINDS = { Deployment, NetworkPolicy, PodDisruptionBudget, Service };
type Manifest = { kind: keyof typeof KINDS; metadata: { name: string }; spec: Record<string, unknown> };

const manifests = globSync('deploy/kubernetes/*.yaml').flatMap((file) =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document): [string, Manifest] => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors}`);
    return [file, document.toJS()];
  }),
);

const specOf = (kind: Manifest['kind']) => {
  const found = manifests.find(([, manifest]) => manifest.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found[1].spec;
};
const deployment = specOf('Deployment') as never as {
  selector: { matchLabels: object };
  template: { metadata: { labels: object }; spec: PodSpec };
}; // Checked against the schema of Kubernetes below.
interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: object;
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string }[];
}
interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string }[];
  readonly securityContext: object;
  readonly resources: object;
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
}
const { spec: pod } = deployment.template;
const [container] = pod.containers;

/** The problems of an environment whose secret files exist. */
function problemsOfDeployed(environment: Readonly<Record<string, string>>): readonly string[] {
  const key = join(makeFolder({ key: 'test-key-example' }), 'key');
  return problemsOf({ ...environment, AUTH_TOKENS_FILE: tokenFile({ ann: 'viewer' }).file, OPENAI_API_KEY_FILE: key });
}

describe('deploy/kubernetes', () => {
  it('has a manifest of each kind', () => {
    expect(manifests.map(([, { kind }]) => kind).sort()).toEqual(Object.keys(KINDS).sort());
  });

  it.each(manifests)('%s is valid by the schema of Kubernetes', (_, manifest) => {
    const Model = KINDS[manifest.kind];
    expect(() => new Model(manifest as never).validate()).not.toThrow();
    const broken = { ...manifest, spec: { ...manifest.spec, selector: 1, podSelector: 1 } };
    expect(() => new Model(broken as never).validate()).toThrow(); // The check sees a mistake.
  });

  it('runs without privileges, on a read-only file system', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.resources).toMatchObject({ requests: { memory: expect.any(String) }, limits: {} });
  });

  it('probes paths and ports that exist', async () => {
    await using gateway = await startGateway();
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      const { path, port } = container[probe]?.httpGet ?? { path: '', port: '' };
      expect((await fetch(new URL(path, gateway.url))).status, probe).toBe(200);
      expect(container.ports.map(({ name }) => name)).toContain(port);
    }
  });

  it('selects its pods, and refers to ports and volumes that exist', () => {
    const { labels } = deployment.template.metadata;
    const ports = container.ports.map(({ name }) => name);
    const service = specOf('Service') as never as { selector: object; ports: { targetPort: string }[] };
    const policy = specOf('NetworkPolicy') as never as {
      podSelector: { matchLabels: object };
      ingress: { ports: { port: string }[] }[];
    };
    const budget = specOf('PodDisruptionBudget') as never as { selector: { matchLabels: object } };
    for (const selector of [
      deployment.selector.matchLabels,
      service.selector,
      policy.podSelector.matchLabels,
      budget.selector.matchLabels,
    ]) {
      expect(labels).toMatchObject(selector);
    }
    const used = [...service.ports.map(({ targetPort }) => targetPort)];
    for (const rule of policy.ingress) used.push(...rule.ports.map(({ port }) => port));
    expect(ports).toEqual(expect.arrayContaining(used));
    expect(pod.volumes.map(({ name }) => name)).toEqual(container.volumeMounts.map(({ name }) => name));
  });

  it('sets settings to valid values', () => {
    const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    expect(Object.keys(environment).filter((name) => !settings.has(name))).toEqual([]);
    expect(problemsOfDeployed(environment)).toEqual([]);
    const metrics = container.ports.find(({ name }) => name === 'metrics');
    expect(environment['METRICS_PORT']).toBe(String(metrics?.containerPort));
  });
});

interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly network_mode?: string;
}

describe('deploy/compose.yaml', () => {
  const compose: {
    services: Record<string, ComposeService>;
    secrets: Record<string, object>;
    volumes: Record<string, unknown>;
  } = parse(readFileSync('deploy/compose.yaml', 'utf8'));
  const services = Object.values(compose.services);

  it('pins the version of each image', () => {
    for (const { image } of services) if (image !== undefined) expect(image).toMatch(/:v?\d+\.\d+\.\d+(-\w+)?$/);
    expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^ARG NODE_IMAGE=node:24\.\d+\.\d+-slim$/m);
  });

  it('sets settings to valid values, and has the secrets and files that it mounts', () => {
    const { environment = {} } = compose.services['gateway'] ?? {};
    expect(Object.keys(environment).filter((name) => !settings.has(name))).toEqual([]);
    expect(problemsOfDeployed(environment)).toEqual([]);
    for (const { secrets = [], volumes = [] } of services) {
      expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...secrets]));
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        const isThere = source === './tls' || source in compose.volumes || existsSync(join('deploy', source));
        expect(isThere, source).toBe(true);
      }
    }
  });

  it('lets Prometheus scrape the metrics, with the alert rules', () => {
    const prometheus = parse(readFileSync('deploy/prometheus.yaml', 'utf8'));
    const port = compose.services['gateway']?.environment?.['METRICS_PORT'];
    expect(prometheus.scrape_configs).toMatchObject([{ static_configs: [{ targets: [`gateway:${port}`] }] }]);
    for (const file of prometheus.rule_files) expect(existsSync(join('deploy', file))).toBe(true);
  });
});
