/** The name and the bytes of a file that a client uploads. */
export interface UploadContent {
  /** The file name, unchanged from the client. */
  readonly filename: string;
  /** The bytes, with backpressure. Ends only after the whole request proved well-formed; otherwise it throws. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The value of a variable of the type `Upload`: a file that is being received. */
export class UploadedFile {
  #content: UploadContent | null;

  constructor(content: UploadContent) {
    this.#content = content;
  }

  /** Returns the content once, then null: the bytes can be read only once. */
  take(): UploadContent | null {
    const content = this.#content;
    this.#content = null;
    return content;
  }
}
