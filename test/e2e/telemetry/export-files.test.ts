import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startProxy, startTls, userOf } from '../../kit/gateway/proxy.ts';
import { createAuthority } from '../../kit/process/certificate.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { makeFolder, replaceFile } from '../../kit/process/folder.ts';
import { assertNoSecrets } from '../../kit/secrets.ts';
import { startCollector } from '../../kit/telemetry/collector.ts';
import { until } from '../../kit/until.ts';

const AUTHORITY = createAuthority();
const HOST = 'collector.example';
const [OLD, NEW] = ['ann:old-password-4711', 'ann:new-password-4711'];

const urlWith = (url: string, user: string) => url.replace('://', `://${user}@`);

/** A gateway over the sandbox that exports at once. Its secret is in the file of the setting. `read` causes spans. */
async function start(setting: string, secret: string, settings: Record<string, string>) {
  const clock = createTestClock();
  const file = join(makeFolder({ secret }), 'secret');
  const gateway = await startGateway(
    { [setting]: file, OTEL_BSP_SCHEDULE_DELAY: '10', OTEL_METRIC_EXPORT_INTERVAL: '100', ...settings },
    clock,
  );
  let count = 0;
  return {
    clock,
    gateway,
    write: (text: string) => replaceFile(file, text),
    /** Sends queries until the condition holds. */
    async readUntil(isMet: () => boolean) {
      while (!isMet()) {
        await gateway.query(`query Read${count++} { fineTuningJobs(first: 1) { nodes { id } } }`);
        clock.advance(20); // Of each second, 100 traces are recorded.
      }
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

describe('OTEL_EXPORTER_OTLP_HEADERS_FILE', () => {
  /** A gateway that sends traces and metrics to a collector each. */
  async function startWithCollectors() {
    const [traces, metrics] = [await startCollector(), await startCollector()];
    const world = await start('OTEL_EXPORTER_OTLP_HEADERS_FILE', 'authorization=Bearer%20old-token-4711\n', {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${traces.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${metrics.url}/v1/metrics`,
    });
    return {
      ...world,
      /** The last value of Authorization at each collector. */
      tokens: () => [traces, metrics].map(({ headers }) => headers.at(-1)?.['authorization']),
      async [Symbol.asyncDispose]() {
        await world[Symbol.asyncDispose]();
        await traces[Symbol.asyncDispose]();
        await metrics[Symbol.asyncDispose]();
      },
    };
  }
  type World = Awaited<ReturnType<typeof startWithCollectors>>;
  const sends = (world: World, token: string) =>
    world.readUntil(() => world.tokens().every((value) => value === token));

  it('is read again when it changes: traces and metrics have the new headers', async () => {
    await using world = await startWithCollectors();
    await sends(world, 'Bearer old-token-4711');
    world.write('authorization=Bearer%20new-token-4711');
    world.clock.advance(1000);
    world.clock.advance(1000);
    await sends(world, 'Bearer new-token-4711');
    world.write('authorization=Bearer%20last-token-4711');
    world.gateway.reloadFiles(); // As SIGHUP does it.
    await sends(world, 'Bearer last-token-4711');
  });

  it('has the values of its new headers redacted in the log', async () => {
    await using world = await startWithCollectors();
    world.write('authorization=Bearer%20newtoken4711');
    world.gateway.reloadFiles();
    await world.gateway.query('query newtoken4711 { __typename }');
    await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
    assertNoSecrets(['newtoken4711'], [JSON.stringify(world.gateway.log)]);
  });

  it.each([
    ['no header', 'unusual-secret', 'expected the path of a file with headers as name=value, separated by commas'],
    ['bytes that are no UTF-8', 'a=unusual-secret%ff', 'expected the path of a file with percent-encoded values'],
    ['a line break in a value', 'a=unusual-secret%0A', 'expected the path of a file with valid HTTP headers'],
    ['a name that is no token', 'a:b=unusual-secret', 'expected the path of a file with valid HTTP headers'],
  ])('changes nothing while it has %s; that is logged once, without its content', async (_, text, problem) => {
    await using world = await startWithCollectors();
    await sends(world, 'Bearer old-token-4711');
    world.write(text);
    for (let reading = 0; reading < 3; reading++) world.clock.advance(1000);
    await sends(world, 'Bearer old-token-4711');
    expect(world.gateway.log.filter(({ level }) => Number(level) > 40)).toEqual([
      expect.objectContaining({ setting: 'OTEL_EXPORTER_OTLP_HEADERS_FILE', problem }),
    ]);
    assertNoSecrets(['unusual-secret'], [JSON.stringify(world.gateway.log)]);
    const [atStart] = problemsOf({ OTEL_EXPORTER_OTLP_HEADERS: text });
    expect(atStart).toMatch(/^OTEL_EXPORTER_OTLP_HEADERS: the value is not (headers|percent-encoded|valid HTTP)/);
  });
});

describe('the proxy of exports', () => {
  const defaults = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...defaults, AUTHORITY.cert]));
  afterAll(() => setDefaultCACertificates(defaults));

  it.each([
    ['HTTP_PROXY_FILE', `http://${HOST}:4318`],
    ['HTTPS_PROXY_FILE', `https://${HOST}:4318`],
  ])('is that of %s, also after a change', async (setting, endpoint) => {
    await using collector = await startCollector();
    await using secure = await startTls(collector.url, AUTHORITY.certify(HOST));
    const isSecure = endpoint.startsWith('https:');
    const port = isSecure ? secure.port : Number(new URL(collector.url).port);
    await using proxy = await startProxy(port, { credentials: OLD });
    await using other = await startProxy(port, { credentials: NEW });
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    await using world = await start(setting, urlWith(proxy.url, OLD), settings);
    const paths = () => [collector.spans.length > 0, collector.metrics.size > 0];
    await world.readUntil(() => !paths().includes(false));
    world.write(urlWith(other.url, NEW));
    world.clock.advance(1000);
    world.clock.advance(1000);
    // Traces and metrics have a tunnel each, or a target each.
    const targets = () => other.requests.map(({ target }) => target);
    await world.readUntil(() => (isSecure ? targets().length : new Set(targets()).size) > 1);
    collector.spans.length = 0;
    collector.metrics.clear();
    const before = proxy.requests.length;
    await world.readUntil(() => !paths().includes(false));
    await world.gateway[Symbol.asyncDispose]();
    expect(proxy.requests).toHaveLength(before);
    expect(new Set(proxy.requests.map(({ authorization }) => userOf(authorization)))).toEqual(new Set([OLD]));
    expect(new Set(other.requests.map(({ authorization }) => userOf(authorization)))).toEqual(new Set([NEW]));
    expect(world.gateway.log.filter(({ msg }) => String(msg).includes('collector'))).toEqual([]);
  });
});
