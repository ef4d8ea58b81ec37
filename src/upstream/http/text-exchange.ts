import type { Dispatcher } from 'undici';
import type { Clock } from '../../clock.ts';
import type { Attempt, Exchange } from '../resilience/attempt.ts';
import { BodyText } from './body-text.ts';
import type { ByteSemaphore } from './byte-semaphore.ts';
import { type Headers, Received } from './received.ts';

/**
 * Creates an exchange for requests whose response is read whole, and whose body is a text. It gives undici's dispatcher one
 * handler: `pool.request` with a stream, an AbortSignal and a promise per step takes twice the CPU time of a small response.
 */
export function createTextExchange(semaphore: ByteSemaphore, clock: Clock): Exchange<Received> {
  return (attempt) =>
    new Promise((resolve, reject) => {
      const { request } = attempt.work;
      const handler = new TextHandler(attempt, semaphore, clock, resolve, reject);
      const { method, target: path, body } = request;
      const options = { method, path, headers: attempt.headers, body: typeof body === 'string' ? body : null };
      attempt.pool.dispatch(options, handler);
    });
}

/** Collects one response. An error that it throws ends the request with that error. */
class TextHandler implements Dispatcher.DispatchHandler {
  readonly #attempt: Attempt;
  readonly #semaphore: ByteSemaphore;
  readonly #clock: Clock;
  readonly #resolve: (received: Received) => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #headers: Headers = {};
  #body: BodyText | null = null;

  constructor(
    attempt: Attempt,
    semaphore: ByteSemaphore,
    clock: Clock,
    resolve: (received: Received) => void,
    reject: (error: unknown) => void,
  ) {
    this.#attempt = attempt;
    this.#semaphore = semaphore;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#reject = reject;
    attempt.work.deadline.work = this;
  }

  /** Ends the call at once, also one that is not connected yet: undici aborts that when it is. */
  abort(reason: unknown): void {
    this.#reject(reason);
    this.#controller?.abort(toError(reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { deadline } = this.#attempt.work;
    deadline.checkTime(); // The process can have been stopped since, and its timers run after this.
    const { aborted } = deadline;
    if (aborted !== null) {
      controller.abort(toError(aborted.reason));
    } else {
      this.#controller = controller;
      this.#attempt.markSent();
    }
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#attempt.recordStatus(status, headers);
    this.#body = new BodyText(headers['content-length'], controller, this.#semaphore);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.add(chunk);
  }

  onResponseEnd(): void {
    const { request, credential } = this.#attempt.work;
    const text = this.#body?.take() ?? '';
    this.#end();
    this.#resolve(new Received(this.#status, this.#headers, text, request, credential, this.#clock));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#end();
    this.#reject(error);
  }

  #end() {
    this.#attempt.work.deadline.work = null;
    this.#body?.close();
    this.#attempt.close();
  }
}

const toError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('aborted', { cause: reason });
