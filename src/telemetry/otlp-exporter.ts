import type { AgentOptions } from 'node:http';
import type { ExportHeaders } from './export-headers.ts';
import type { Logger } from './logger.ts';

/** Where and how telemetry is sent by OTLP. */
export interface ExportTarget {
  readonly url: string;
  /** Returns the headers of the next request. */
  readonly headers: () => ExportHeaders;
  /** Returns the options of the connections: the same object until their proxy changes. */
  readonly agentOptions: () => AgentOptions;
}

/** The options of OpenTelemetry's exporters. */
interface ExporterConfig {
  readonly url: string;
  readonly headers: () => Promise<Record<string, string>>;
  readonly httpAgentOptions: AgentOptions;
}

/** The result of an export, as OpenTelemetry's exporters report it: code 0 is a success. */
interface ExportResult {
  readonly code: number;
  readonly error?: Error | undefined;
}

type Export<T> = (items: T, onResult: (result: ExportResult) => void) => void;

/**
 * Creates an exporter by `create`. It logs the start and the end of an outage of its collector, each once. An exporter keeps
 * its proxy, so `create` is called again when the proxy has changed, and the new exporter sends the next items.
 */
export function createOtlpExporter<T, E>(
  create: (config: ExporterConfig) => E & { export: Export<T> },
  { url, headers, agentOptions }: ExportTarget,
  signal: 'metrics' | 'traces',
  log: Logger,
): E {
  let httpAgentOptions = agentOptions();
  const open = () => create({ url, headers: async () => ({ ...headers() }), httpAgentOptions });
  const exporter = open();
  let send: Export<T> = exporter.export.bind(exporter);
  let isDown = false;

  function renew() {
    httpAgentOptions = agentOptions();
    const renewed = open();
    send = renewed.export.bind(renewed);
  }

  function report({ code, error }: ExportResult) {
    const hasFailed = code !== 0;
    if (hasFailed && !isDown) {
      log.warn({ signal, reason: error?.message.slice(0, 200) }, 'the telemetry collector is unavailable');
    }
    if (!hasFailed && isDown) log.info({ signal }, 'the telemetry collector is available again');
    isDown = hasFailed;
  }

  exporter.export = (items, onResult) => {
    if (agentOptions() !== httpAgentOptions) renew();
    send(items, (result) => {
      report(result);
      onResult(result);
    });
  };
  return exporter;
}
