import type { Logger } from './logger.ts';

/** The result of an export, as OpenTelemetry's exporters report it: code 0 is a success. */
interface ExportResult {
  readonly code: number;
  readonly error?: Error | undefined;
}

type Export<T> = (items: T, onResult: (result: ExportResult) => void) => void;

/** Has the exporter log the start and the end of an outage of its collector, each once. */
export function logOutages<T>(exporter: { export: Export<T> }, signal: 'metrics' | 'traces', log: Logger): void {
  const send: Export<T> = exporter.export.bind(exporter);
  let isDown = false;
  exporter.export = (items, onResult) =>
    send(items, (result) => {
      const hasFailed = result.code !== 0;
      if (hasFailed && !isDown) {
        log.warn({ signal, reason: result.error?.message.slice(0, 200) }, 'the telemetry collector is unavailable');
      }
      if (!hasFailed && isDown) log.info({ signal }, 'the telemetry collector is available again');
      isDown = hasFailed;
      onResult(result);
    });
}
