import { resultDelivered, type StreamTransport } from '../../telemetry/events.ts';
import type { RenderedEvent } from './rendering.ts';

/** Reports that a result is sent to one client. */
export function reportDelivery(transport: StreamTransport, { observedAt }: RenderedEvent): void {
  if (resultDelivered.hasSubscribers) resultDelivered.publish({ transport, observedAt });
}

/** When the change behind an event was observed, in milliseconds since the epoch; undefined for a snapshot, and for logs. */
export function observationTime(event: object): number | undefined {
  const { observedAt, cause }: { observedAt?: unknown; cause?: unknown } = event;
  return typeof observedAt === 'number' && cause !== 'snapshot' ? observedAt : undefined;
}
