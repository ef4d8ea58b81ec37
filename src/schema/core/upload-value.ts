/** What a client sends along with an operation. */
export interface Sent {
  /** As the client wrote it. */
  readonly filename: string;
  /** Its bytes, as they come and as fast as they are taken. Ends only when the whole request was as it should be; else it throws. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The value of a variable of the type `Upload`: a file on its way in. */
export class IncomingFile {
  #sent: Sent | null;

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  /** Null when it was taken before: its bytes do not come twice. */
  take(): Sent | null {
    const sent = this.#sent;
    this.#sent = null;
    return sent;
  }
}
