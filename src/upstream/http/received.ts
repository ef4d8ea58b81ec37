import type { Clock } from '../../clock.ts';
import type { Credential } from '../credentials/credential.ts';
import { redactKey } from '../credentials/redaction.ts';
import { upstreamRequestIdOf } from '../credentials/request-id.ts';
import { retryAfterMs } from '../errors/retry-after.ts';
import type { UpstreamErrorFacts } from '../errors/upstream-error.ts';
import type { Request } from '../resilience/attempt.ts';

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * A response with its whole body, in which the key is redacted. It is also the facts of errors about it, which are parsed
 * when an error reads them: the search of the key in the request id takes longer than the rest of a small response. The facts
 * are no members of its own: do not spread it.
 */
export class Received implements UpstreamErrorFacts {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly request: Request;
  readonly credential: Credential;
  readonly #clock: Clock;
  #requestId: { readonly value: string | undefined } | null = null;

  constructor(status: number, headers: Headers, text: string, request: Request, credential: Credential, clock: Clock) {
    this.status = status;
    this.headers = headers;
    this.text = redactKey(text, credential);
    this.request = request;
    this.credential = credential;
    this.#clock = clock;
  }

  get upstreamStatus(): number {
    return this.status;
  }

  /** Undefined when the header has no usual form, or contains a part of the key. */
  get upstreamRequestId(): string | undefined {
    // A page can have many errors.
    this.#requestId ??= { value: upstreamRequestIdOf(this.headers, this.credential) };
    return this.#requestId.value;
  }

  get retryAfterSeconds(): number | undefined {
    const { retryAfterMs } = this;
    return retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  }

  /** Minimum milliseconds before a retry, if the upstream sent them. */
  get retryAfterMs(): number | undefined {
    return retryAfterMs(this.headers, this.#clock.now());
  }
}
