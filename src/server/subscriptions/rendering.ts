import type { ExecutionResult } from 'graphql';

/** The result of one event, serialized once. Equal subscriptions share the object. */
export interface RenderedEvent {
  readonly result: ExecutionResult;
  readonly json: string;
  /** When the change was observed, in milliseconds since the epoch; undefined for a snapshot. */
  readonly observedAt?: number | undefined;
  /** The bytes of the event by stream format, created on first use. */
  readonly frames: Map<object, Frame>;
}

/** The bytes of an event in a body, and as a chunk of it (RFC 9112 7.1). They share their memory. */
export interface Frame {
  readonly body: Buffer;
  readonly chunk: Buffer;
}

/** Waits for a rendering. */
export interface RenderingWaiter {
  onRendered(): void;
}

/** The execution of one event, shared by all subscribers. */
export class Rendering {
  /** The outcome: undefined while the event is executed. */
  outcome: { readonly rendered: RenderedEvent } | { readonly error: unknown } | undefined;
  #waiters: RenderingWaiter[] = [];

  constructor(execution: Promise<RenderedEvent>) {
    execution.then(
      (rendered) => this.#settle({ rendered }),
      (error) => this.#settle({ error }),
    );
  }

  /** Calls `waiter.onRendered` when there is an outcome. Only while there is none. */
  wait(waiter: RenderingWaiter): void {
    this.#waiters.push(waiter);
  }

  #settle(outcome: NonNullable<Rendering['outcome']>): void {
    this.outcome = outcome;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.onRendered();
  }
}
