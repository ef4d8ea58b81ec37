/** Thrown when something needs the state that replicas share, and Redis does not answer. */
export class FleetUnavailable extends Error {
  override readonly name = 'FleetUnavailable';
  readonly retryAfterSeconds: number;

  constructor(message = 'Redis, which the replicas of the gateway share, does not answer.', retryAfterSeconds = 2) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
