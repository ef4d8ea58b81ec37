import type { ExecutionResult } from 'graphql';
import { type ReadableIterator, type Reader, toReadable } from '../../watch/streams/readable-iterator.ts';
import type { Delivery, ScheduleDelivery } from './delivery-schedule.ts';
import type { EventRenderer } from './event-renderer.ts';
import type { RenderedEvent, Rendering, RenderingWaiter } from './rendering.ts';

/** The client's side of a subscriber: a stream. */
export interface ResultReceiver {
  /** Receives a result. Returns whether it takes another one; if not, it calls `request` when it does. */
  onResult(event: RenderedEvent): boolean;
  /** The subscriber has ended by itself. Nothing follows. */
  onComplete(): void;
}

/** The results of one subscriber. Buffers nothing: a receiver that is not ready gets the source's next event when it is. */
export interface Subscriber {
  /** Requests results: from now on they are pushed, in later turns of the event loop, until `onResult` returns false. */
  request(receiver: ResultReceiver): void;
  /** Ends the subscriber at once. Nothing is pushed afterwards, not even `onComplete`. */
  end(): void;
}

/** Receives the end and the first result of a subscriber. */
export interface SubscriberListener {
  onFirstResult(result: ExecutionResult | undefined): void;
  onEnd(): void;
}

/** The parts of a group that its subscribers share. */
export interface SubscriberGroup {
  readonly renderer: EventRenderer;
  /** Yields event objects; each call of its iterator is another reader. Rejects when the source cannot be created. */
  readonly source: Promise<AsyncIterable<object>>;
  readonly schedule: ScheduleDelivery;
  leave(): void;
}

export function createSubscriber(
  group: SubscriberGroup,
  removeCaller: () => void,
  listener: SubscriberListener,
): Subscriber {
  return new GroupSubscriber(group, removeCaller, listener);
}

/**
 * Repeats: read an event, wait until it is rendered, wait for its turn, push it. Waits for one of them at a time. None creates a
 * promise, a closure or an object per subscriber, so that thousands get a change soon. Measured: `npm run bench:live`.
 */
class GroupSubscriber implements Subscriber, Reader, RenderingWaiter, Delivery {
  readonly #group: SubscriberGroup;
  readonly #removeCaller: () => void;
  /** Null when there has been a result: its callback can retain the whole request. */
  #onFirstResult: SubscriberListener['onFirstResult'] | null;
  readonly #onEnd: () => void;
  /** Null while nothing is requested. */
  #receiver: ResultReceiver | null = null;
  #iterator: ReadableIterator<object> | null = null;
  /** The next event, read but not delivered yet. */
  #next: Rendering | null = null;
  #isEnded = false;

  constructor(group: SubscriberGroup, removeCaller: () => void, { onFirstResult, onEnd }: SubscriberListener) {
    this.#group = group;
    this.#removeCaller = removeCaller;
    this.#onFirstResult = onFirstResult;
    this.#onEnd = onEnd;
  }

  request(receiver: ResultReceiver): void {
    if (this.#isEnded) return;
    this.#receiver = receiver;
    if (this.#iterator) this.#group.schedule(this);
    else void this.#open();
  }

  async #open(): Promise<void> {
    try {
      const events = await this.#group.source;
      if (this.#isEnded) return; // Before it opens a reader that `end` could not close.
      this.#iterator = toReadable(events[Symbol.asyncIterator]());
      this.#group.schedule(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  onReadable(): void {
    this.#group.schedule(this);
  }

  onRendered(): void {
    this.#group.schedule(this);
  }

  deliver(): void {
    if (this.#isEnded || this.#receiver === null) return;
    this.#next ??= this.#read();
    const outcome = this.#next?.outcome;
    if (outcome === undefined) this.#next?.wait(this);
    else if ('error' in outcome) this.#fail(outcome.error);
    else if (this.#push(this.#receiver, outcome.rendered)) this.#continue();
    else this.#pause();
  }

  #continue(): void {
    if (this.#isEnded) return;
    this.#next = this.#read();
    if (this.#next !== null) this.#group.schedule(this);
  }

  #pause(): void {
    this.#next = null;
    this.#receiver = null;
  }

  /** Returns the next event; null when there is none yet, or the subscriber has ended. */
  #read(): Rendering | null {
    try {
      const result = this.#iterator?.read(this);
      if (result === undefined) return null;
      if (!result.done) return this.#group.renderer.renderEvent(result.value);
    } catch (error) {
      this.#fail(error);
      return null;
    }
    this.#complete();
    return null;
  }

  #push(receiver: ResultReceiver, event: RenderedEvent): boolean {
    this.#recordFirst(event.result);
    return receiver.onResult(event);
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    if (this.#receiver !== null) this.#push(this.#receiver, this.#group.renderer.renderError(error));
    this.#complete();
  }

  #complete(): void {
    if (this.#isEnded) return;
    this.end();
    this.#receiver?.onComplete();
  }

  #recordFirst(result: ExecutionResult | undefined): void {
    const onFirstResult = this.#onFirstResult;
    this.#onFirstResult = null;
    onFirstResult?.(result);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#removeCaller();
    this.#group.leave();
    this.#recordFirst(undefined);
    this.#onEnd();
    void this.#closeIterator();
  }

  async #closeIterator(): Promise<void> {
    try {
      await this.#iterator?.return?.();
    } catch (error) {
      this.#group.renderer.renderError(error); // Logs it.
    }
  }
}
