import { z } from 'zod';
import { parseExportHeaders } from '../telemetry/export-headers.ts';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer, oneOf } from './types/setting-types.ts';

/** The URL of an OTLP receiver. */
const receiver = () => z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).optional();

const exportHeaders = () =>
  z.string().transform((text, { addIssue }) => {
    const parsed = parseExportHeaders(text);
    if ('headers' in parsed) return parsed.headers;
    addIssue(parsed.problem);
    return z.NEVER;
  });

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

const RATIO = 'expected a number from 0 to 1';

export const operation = z
  .object({
    LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
      .default('info')
      .register(settingDocs, {
        description: 'Lowest level that is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.',
      }),
    DRAIN_DELAY_MS: integer(0, 600_000).default(0).register(settingDocs, {
      description:
        'How long a stopping gateway still accepts requests while `GET /ready` returns 503. 5000 suits Kubernetes.',
      unit: 'ms',
      example: '5000',
    }),
    IDLE_DRAIN_MS: integer(0, 600_000).default(0).register(settingDocs, {
      description:
        'Maximum time for which a stopping gateway that no longer listens keeps idle connections open, for requests that are on their way. Set it above the time after which a proxy closes its idle connections, such as `keepalive_timeout` of nginx.',
      unit: 'ms',
      example: '10000',
    }),
    SHUTDOWN_TIMEOUT_MS: integer(0, 3_600_000).default(60_000).register(settingDocs, {
      description:
        'Maximum time for requests in progress to end when the gateway stops, such as uploads, counted from the end of the streams. Then it closes their connections.',
      unit: 'ms',
    }),
    METRICS_PORT: integer(0, 65_535).optional().register(settingDocs, {
      description:
        'Port of a second listener with `GET /metrics` for Prometheus, `/health` and `/ready`. 0 takes any free port. Unset: there is none.',
      example: '9464',
    }),
    METRICS_HOST: z.string().default('127.0.0.1').register(settingDocs, {
      description:
        'Address of the listener of `METRICS_PORT`. It has no authentication: let only the network of the monitoring reach it.',
    }),
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver().register(settingDocs, {
      description:
        'Base URL of an OpenTelemetry collector. Metrics are sent to `v1/metrics` below it, traces to `v1/traces`, by OTLP over HTTP.',
      example: 'http://127.0.0.1:4318',
    }),
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: receiver().register(settingDocs, {
      description: 'URL to which metrics are sent, in place of the one below `OTEL_EXPORTER_OTLP_ENDPOINT`.',
      example: 'http://127.0.0.1:4318/v1/metrics',
    }),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver().register(settingDocs, {
      description: 'URL to which traces are sent, in place of the one below `OTEL_EXPORTER_OTLP_ENDPOINT`.',
      example: 'http://127.0.0.1:4318/v1/traces',
    }),
    OTEL_EXPORTER_OTLP_HEADERS: exportHeaders().optional().register(settingDocs, {
      description: 'Headers of the requests to the collector, such as its token.',
      example: 'authorization=Bearer%20abc123',
      isSecret: true,
    }),
    OTEL_EXPORTER_OTLP_PROTOCOL: z
      .literal('http/protobuf', 'expected http/protobuf')
      .default('http/protobuf')
      .register(settingDocs, { description: 'Protocol of the requests to the collector: `http/protobuf`.' }),
    OTEL_METRIC_EXPORT_INTERVAL: integer(100, 3_600_000)
      .default(60_000)
      .register(settingDocs, { description: 'Time between two exports of the metrics to the collector.', unit: 'ms' }),
    OTEL_BSP_SCHEDULE_DELAY: integer(10, 3_600_000)
      .default(5000)
      .register(settingDocs, { description: 'Maximum time between the end of a span and its export.', unit: 'ms' }),
    OTEL_TRACES_SAMPLER: z
      .enum(SAMPLERS, `expected ${SAMPLERS.join(', ')}`)
      .default('parentbased_always_on')
      .register(settingDocs, {
        description: `Which traces are recorded: ${SAMPLERS.map((name) => `\`${name}\``).join(', ')}. The parent-based ones obey the sampled flag of a client's \`traceparent\`.`,
      }),
    OTEL_TRACES_SAMPLER_ARG: z
      .string()
      .regex(/^(0(\.\d+)?|1(\.0+)?)$/, RATIO)
      .transform(Number)
      .default(1)
      .register(settingDocs, {
        description: 'Share of the traces that the samplers with `traceidratio` record, from 0 to 1.',
        example: '0.1',
      }),
  })
  .register(groupDocs, {
    title: 'Logging, monitoring and operation',
    intro: 'How much the gateway logs, where its metrics and traces go, and how it stops.',
  })
  .transform((settings) => ({
    logLevel: settings.LOG_LEVEL,
    shutdown: {
      drainDelayMs: settings.DRAIN_DELAY_MS,
      idleDrainMs: settings.IDLE_DRAIN_MS,
      timeoutMs: settings.SHUTDOWN_TIMEOUT_MS,
    },
    monitoring: {
      port: settings.METRICS_PORT,
      host: settings.METRICS_HOST,
      metricsUrl:
        settings.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? below(settings.OTEL_EXPORTER_OTLP_ENDPOINT, 'metrics'),
      tracesUrl: settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? below(settings.OTEL_EXPORTER_OTLP_ENDPOINT, 'traces'),
      headers: settings.OTEL_EXPORTER_OTLP_HEADERS ?? {},
      metricIntervalMs: settings.OTEL_METRIC_EXPORT_INTERVAL,
      spanDelayMs: settings.OTEL_BSP_SCHEDULE_DELAY,
      sampler: settings.OTEL_TRACES_SAMPLER,
      samplingRatio: settings.OTEL_TRACES_SAMPLER_ARG,
    },
  }));

const below = (base: string | undefined, signal: string) =>
  base === undefined ? undefined : `${base.replace(/\/$/, '')}/v1/${signal}`;
