import type { ExecutionResult } from 'graphql';
import { reportDelivery } from '../subscriptions/delivery-events.ts';
import type { RenderedEvent } from '../subscriptions/rendering.ts';
import type { ResultReceiver, Subscriber } from '../subscriptions/subscriber.ts';

type Result = IteratorResult<ExecutionResult, undefined>;

const DONE = { value: undefined, done: true } as const;

/** A subscriber as an iterator. At most one call of `next` may be pending. `return` ends it at once. */
export interface ResultIterator {
  next(): Promise<Result>;
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Creates an iterator that requests each result when it is asked for: a client that does not read it gets a newer one. */
export function createResultIterator(subscriber: Subscriber): ResultIterator {
  return new RequestedResults(subscriber);
}

class RequestedResults implements ResultIterator, ResultReceiver {
  readonly #subscriber: Subscriber;
  #resolve: ((result: Result) => void) | null = null;
  #isEnded = false;

  constructor(subscriber: Subscriber) {
    this.#subscriber = subscriber;
  }

  next(): Promise<Result> {
    if (this.#isEnded) return Promise.resolve(DONE);
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#subscriber.request(this);
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#subscriber.end();
    this.onComplete();
    return DONE;
  }

  onResult(event: RenderedEvent): boolean {
    reportDelivery('websocket', event);
    this.#settle({ value: event.result, done: false });
    return false;
  }

  onComplete(): void {
    this.#isEnded = true;
    this.#settle(DONE);
  }

  #settle(result: Result): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(result);
  }
}
