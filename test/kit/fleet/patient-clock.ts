import { type Clock, systemClock } from '../../../src/clock.ts';
import { COMMAND_TIMEOUT_MS } from '../../../src/state/redis/connection/connection.ts';

/** Far beyond what a busy machine needs. */
const PATIENCE_MS = 60_000;

/** The system's clock, except that commands to Redis do not time out: for what holds as long as Redis answers. */
export const patientClock: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms === COMMAND_TIMEOUT_MS ? PATIENCE_MS : ms, callback),
};
