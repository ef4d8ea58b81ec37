import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  type IMetricReader,
  MeterProvider,
  type MetricProducer,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../logger.ts';
import { createOtlpExporter, type ExportTarget } from '../otlp-exporter.ts';
import { gatewayResource } from '../resource.ts';
import { type ObservedLoad, observe } from './gauges.ts';
import { createHistogramProducer } from './histograms.ts';
import { createRecorder } from './recorder.ts';

/** Where metrics are sent by OTLP; nowhere without a URL. */
export interface MetricsExport {
  readonly metricsUrl: string | undefined;
  readonly metricIntervalMs: number;
}

export interface MetricsOptions {
  /** Undefined when metrics are not sent. */
  readonly target: ExportTarget | undefined;
  /** Milliseconds between two exports. */
  readonly intervalMs: number;
  readonly loadOf: () => ObservedLoad;
  /** The configured limits by setting; Infinity for one that is off. */
  readonly limits: Readonly<Record<string, number>>;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface Metrics {
  /** Returns all metrics in Prometheus' text format. */
  scrape(): Promise<string>;
  /** Exports the last values, and stops to record. */
  dispose(): Promise<void>;
}

/** Records metrics, and exports them where that is configured. This module loads the SDK. */
export function startMetrics({ target, intervalMs, loadOf, limits, log, clock }: MetricsOptions): Metrics {
  const recorder = createRecorder(clock);
  const metricProducers = [createHistogramProducer(recorder.histograms, clock)];
  const prometheus = new PrometheusExporter({ preventServerStart: true, metricProducers });
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const readers: IMetricReader[] = [prometheus];
  if (target !== undefined) readers.push(createOtlpReader(target, intervalMs, metricProducers, log));
  const provider = new MeterProvider({ resource: gatewayResource(), readers });
  const meter = provider.getMeter('finetune-gateway');
  const stopObserving = observe(meter, recorder.tallies, loadOf, limits);
  return {
    async scrape() {
      const { resourceMetrics } = await prometheus.collect();
      return serializer.serialize(resourceMetrics);
    },
    async dispose() {
      recorder.dispose();
      await provider.shutdown().catch(() => {}); // The log has the outage.
      stopObserving();
    },
  };
}

function createOtlpReader(
  target: ExportTarget,
  exportIntervalMillis: number,
  metricProducers: MetricProducer[],
  log: Logger,
): IMetricReader {
  const exporter = createOtlpExporter((config) => new OTLPMetricExporter(config), target, 'metrics', log);
  const exportTimeoutMillis = Math.min(exportIntervalMillis, 10_000);
  const times = { exportIntervalMillis, exportTimeoutMillis };
  return new PeriodicExportingMetricReader({ exporter, metricProducers, ...times });
}
