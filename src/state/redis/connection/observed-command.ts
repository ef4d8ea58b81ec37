import type { Clock } from '../../../clock.ts';
import { fleetCommand } from '../../../telemetry/fleet-events.ts';
import { ReplyTimeout } from './reply-timeout.ts';

/** Runs a script of this name, and publishes its end. */
export async function observed<T>(script: string, clock: Clock, run: () => Promise<T>): Promise<T> {
  if (!fleetCommand.hasSubscribers) return await run();
  const startedAt = clock.now();
  const publish = (outcome: 'ok' | 'timeout' | 'failed') =>
    fleetCommand.publish({ script, outcome, seconds: (clock.now() - startedAt) / 1000 });
  try {
    const reply = await run();
    publish('ok');
    return reply;
  } catch (error) {
    publish(error instanceof ReplyTimeout ? 'timeout' : 'failed');
    throw error;
  }
}
