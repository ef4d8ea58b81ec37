import { expect, it } from 'vitest';
import { startScript } from '../../kit/process/process.ts';

// Prints the URL of each module of OpenTelemetry and of Redis that is loaded.
const HOOK = `import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (/@opentelemetry|redis/.test(url)) console.log('LOADED ' + url);
    return next(url, context);
  },
});`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(HOOK)}`;

/** The modules of OpenTelemetry and of Redis that a gateway has loaded after its first query. */
async function loadedBy(settings: Record<string, string>): Promise<string[]> {
  await using gateway = startScript('src/main.ts', [], { PORT: '0', NODE_OPTIONS, ...settings });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const body = JSON.stringify({ query: '{ fineTuningJobs(first: 1) { nodes { id } } }' });
  await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).text();
  await gateway.waitForOutput(/"msg":"request"/);
  return [...gateway.output.text.matchAll(/^LOADED (.*)$/gm)].map(([, module = '']) => module);
}

it('a gateway without metrics, traces and a fleet loads nothing of OpenTelemetry and of Redis', async () => {
  expect(await loadedBy({})).toEqual([]);
});

it('a gateway with REDIS_URL loads the client of Redis', async () => {
  const modules = await loadedBy({ REDIS_URL: 'redis://127.0.0.1:9' });
  expect(modules.join()).toContain('ioredis');
  expect(modules.join()).toContain('state/redis/redis-state.ts');
});

it('a gateway with metrics loads no tracer, and one with traces does', async () => {
  const withMetrics = await loadedBy({ METRICS_PORT: '0' });
  expect(withMetrics.join()).toContain('exporter-prometheus');
  expect(withMetrics.join()).not.toContain('sdk-trace');
  const withTraces = await loadedBy({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces' });
  expect(withTraces.join()).toContain('sdk-trace');
  expect(withTraces.join()).not.toContain('exporter-prometheus');
});
