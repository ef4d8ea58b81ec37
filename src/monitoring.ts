import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { agentOptionsSource } from './network/agent-options.ts';
import type { Network } from './network/network.ts';
import type { ExportHeaders } from './telemetry/export-headers.ts';
import type { Logger } from './telemetry/logger.ts';
import type { ObservedLoad } from './telemetry/metrics/gauges.ts';
import type { ExportTarget } from './telemetry/otlp-exporter.ts';

export interface MonitoringOptions {
  readonly config: Config;
  readonly network: Network;
  /** Returns the headers of the requests to the collector. */
  readonly exportHeaders: () => ExportHeaders;
  readonly loadOf: () => ObservedLoad;
  /** Returns why the gateway takes no traffic; null if it does. */
  readonly findProblem: () => Promise<string | null>;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Metrics and traces of a gateway, as far as they are configured. */
export interface Monitoring {
  /** The URL of the metrics; undefined without a listener. */
  readonly metricsUrl: string | undefined;
  /** Exports the last metrics and spans, then stops. */
  dispose(): Promise<void>;
}

/** Starts what is configured, and loads only the code of that. Rejects with Node's error when METRICS_PORT cannot be used. */
export async function openMonitoring({
  config,
  network,
  exportHeaders: headers,
  loadOf,
  findProblem,
  log,
  clock,
}: MonitoringOptions): Promise<Monitoring> {
  await using opened = new AsyncDisposableStack();
  const targetOf = (url: string): ExportTarget => {
    const origin = new URL(url);
    return { url, headers, agentOptions: agentOptionsSource(() => network.proxyFor(origin)) };
  };
  const { monitoring } = config;
  const { port, host, tracesUrl, metricsUrl: exportUrl, metricIntervalMs: intervalMs } = monitoring;
  let metricsUrl: string | undefined;
  if (tracesUrl !== undefined) {
    const { startTraces } = await import('./telemetry/traces/traces.ts');
    opened.defer(startTraces(targetOf(tracesUrl), monitoring, log, clock));
  }
  if (port !== undefined || exportUrl !== undefined) {
    const { startMetrics } = await import('./telemetry/metrics/metrics.ts');
    const target = exportUrl === undefined ? undefined : targetOf(exportUrl);
    const metrics = startMetrics({ target, intervalMs, loadOf, limits: limitsOf(config), log, clock });
    opened.defer(metrics.dispose);
    if (port !== undefined) {
      const { openListener } = await import('./telemetry/metrics/listener.ts');
      const listener = await openListener({ host, port, scrape: metrics.scrape, findProblem });
      opened.defer(listener.dispose);
      metricsUrl = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}/metrics`;
    }
  }
  const parts = opened.move();
  return { metricsUrl, dispose: () => parts.disposeAsync() };
}

/** The limits that can be reached, by setting. */
function limitsOf({ limits, http, subscriptions, upstreamCalls, cache, mutations }: Config): Record<string, number> {
  return {
    CACHE_MAX_MB: cache.maxBytes / 2 ** 20,
    MAX_CONNECTIONS: http.maxConnections,
    MAX_CONNECTIONS_PER_ADDRESS: http.maxConnectionsPerAddress,
    MAX_CREATES_PER_DAY: mutations.maxPerDay.create,
    MAX_GRADER_RUNS_PER_DAY: mutations.maxPerDay.graderRun,
    MAX_QUERY_COST: limits.cost,
    MAX_SUBSCRIPTIONS: subscriptions.maxSubscriptions,
    MAX_SUBSCRIPTIONS_PER_CALLER: subscriptions.maxSubscriptionsPerCaller,
    RATE_LIMIT_PER_MINUTE: limits.pointsPerMinute,
    UPSTREAM_CONNECTIONS: upstreamCalls.connections,
    UPSTREAM_MAX_RPS: upstreamCalls.maxRps,
  };
}
