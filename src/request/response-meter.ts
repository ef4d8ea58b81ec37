/** Counts the bytes of one response while its fields are resolved, so that the execution of a too large one ends early. */
export class ResponseMeter {
  /** Maximum bytes of the response as JSON. */
  readonly maxBytes: number;
  /** A lower bound of the bytes so far: no character is escaped, and a number has one digit. */
  bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get isExceeded(): boolean {
    return this.bytes > this.maxBytes;
  }
}
