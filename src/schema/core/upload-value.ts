/** What a client sends along with an operation. */
export interface UploadContent {
  /** As the client wrote it. */
  readonly filename: string;
  /** Its bytes, as they come and as fast as they are taken. Ends only when the whole request was as it should be; else it throws. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The value of a variable of the type `Upload`: a file on its way in. */
export class UploadedFile {
  #sent: UploadContent | null;

  constructor(sent: UploadContent) {
    this.#sent = sent;
  }

  /** Null when it was taken before: its bytes do not come twice. */
  take(): UploadContent | null {
    const sent = this.#sent;
    this.#sent = null;
    return sent;
  }
}
