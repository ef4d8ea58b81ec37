import { globSync, readFileSync } from 'node:fs';
import { Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { settings } from '../../../src/config/settings.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { problemsOfDeployed } from '../../kit/process/config-problems.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { runTool } from '../../kit/process/tool.ts';

const KINDS = { Deployment, NetworkPolicy, PodDisruptionBudget, Service };
type Manifest = { kind: keyof typeof KINDS; metadata: { name: string }; spec: Record<string, unknown> };

const manifests = globSync('deploy/kubernetes/*.yaml').flatMap((file) =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document): [string, Manifest] => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors}`);
    return [file, document.toJS()];
  }),
);

/** The types of Kubernetes. The schema of a kind also allows members that it does not name; an object literal of its type does not. */
const TYPES: Readonly<Record<keyof typeof KINDS, string>> = {
  Deployment: "import('kubernetes-models/apps/v1').IDeployment",
  NetworkPolicy: "import('kubernetes-models/networking.k8s.io/v1').INetworkPolicy",
  PodDisruptionBudget: "import('kubernetes-models/policy/v1').IPodDisruptionBudget",
  Service: "import('kubernetes-models/v1').IService",
};

/** The errors of the TypeScript compiler in a program; empty without one. */
async function typeProblems(text: string): Promise<string> {
  const folder = makeFolder({ 'manifests.ts': `${text}\nexport {};\n` });
  const flags = '--noEmit --skipLibCheck --strict --ignoreConfig --module nodenext --target esnext'.split(' ');
  return (await runTool('typescript/bin/tsc', [...flags, 'manifests.ts'], folder)).output;
}

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

  it('has no member that Kubernetes does not know', async () => {
    const typed = manifests.map(
      ([, manifest], index) => `const m${index}: ${TYPES[manifest.kind]} = ${JSON.stringify(manifest)};`,
    );
    expect(await typeProblems(typed.join('\n'))).toBe('');
    expect(await typeProblems(typed.join('\n').replace('"replicas"', '"replica"'))).toContain(
      `'"replica"' does not exist`,
    );
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
