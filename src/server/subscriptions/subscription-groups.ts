import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Clock } from '../../clock.ts';
import type { Identity } from '../../request/context.ts';
import type { Prepared } from '../graphql/prepare.ts';
import {
  createEventRenderer,
  type EventRenderer,
  type EventRendererOptions,
  type RenderedEvent,
} from './event-renderer.ts';
import { createGroupCallers, type GroupCallers, type GroupMember } from './group-callers.ts';
import { groupKey } from './group-key.ts';
import { createYieldingGate, type YieldingGate } from './yielding-gate.ts';

/**
 * The results of one subscriber. Buffers nothing: `next` resolves to the source's next event for this subscriber. `return`
 * ends it at once, even while `next` is pending.
 */
export interface Subscriber extends AsyncIterableIterator<RenderedEvent, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Receives the end and the first result of a subscriber. */
export interface SubscriberListener {
  onFirstResult(result: ExecutionResult | undefined): void;
  onEnd(): void;
}

/** Groups equal subscriptions: a group has one source, and executes each of its events once. */
export interface SubscriptionGroups {
  /**
   * Adds a subscriber, or returns the errors when the variables are invalid. Calls `onEnd` once, when it has ended. `onFirstResult` gets
   * the first result; undefined when it ends without one.
   */
  subscribe(
    prepared: Prepared,
    identity: Identity,
    member: GroupMember,
    listener: SubscriberListener,
  ): Subscriber | ExecutionResult;
  /** Number of groups. */
  readonly size: number;
}

/** Subscribers that get an event in one turn of the event loop, so that thousands of them do not block it. */
const BATCH_SIZE = 250;

interface Group {
  readonly renderer: EventRenderer;
  /** Yields event objects; each call of its iterator is another reader. Rejects when the source cannot be created. */
  readonly source: Promise<AsyncIterable<object>>;
  readonly gate: YieldingGate;
  readonly callers: GroupCallers;
  subscriberCount: number;
  leave(): void;
}

export function createSubscriptionGroups(options: EventRendererOptions & { clock: Clock }): SubscriptionGroups {
  const groups = new Map<string, Group>();
  const gate = createYieldingGate(BATCH_SIZE);

  function createGroup(key: string, renderer: EventRenderer, callers: GroupCallers): Group {
    const disposal = new AbortController();
    const source = createSource(renderer, disposal.signal);
    const remove = () => groups.get(key) === group && groups.delete(key);
    const group: Group = {
      renderer,
      source,
      gate,
      callers,
      subscriberCount: 0,
      leave() {
        if (--group.subscriberCount > 0) return;
        remove(); // First, so that no new subscriber joins an aborted group.
        disposal.abort(new Error('The last subscriber has left.'));
        renderer.dispose();
      },
    };
    groups.set(key, group);
    source.catch(remove); // Later subscribers try again with a new group.
    return group;
  }

  return {
    subscribe(prepared, identity, member, listener) {
      const key = groupKey(prepared, identity);
      let group = groups.get(key);
      if (!group) {
        const { role } = identity.viewer; // Without the name: all subscribers of the group get the same results.
        const callers = createGroupCallers(options.clock);
        const renderer = createEventRenderer(options, prepared, { ...identity, viewer: { name: null, role } }, callers);
        if (!('args' in renderer)) return renderer;
        group = createGroup(key, renderer, callers);
      }
      return new GroupSubscriber(group, group.callers.add(member), listener);
    },
    get size() {
      return groups.size;
    },
  };
}

async function createSource({ args, contextOf }: EventRenderer, signal: AbortSignal): Promise<AsyncIterable<object>> {
  const source = await createSourceEventStream({ ...args, contextValue: contextOf(signal) });
  if (!(Symbol.asyncIterator in source)) throw source.errors?.[0];
  return source as AsyncIterable<object>; // `subscribe` of every root field yields objects.
}

const END = { value: undefined, done: true } as const;

/** A class, because a gateway has thousands of pending subscribers. */
class GroupSubscriber implements Subscriber {
  readonly #group: Group;
  readonly #removeCaller: () => void;
  readonly #listener: SubscriberListener;
  #hasResult = false;
  #iterator: AsyncIterator<object> | undefined;
  #isEnded = false;

  constructor(group: Group, removeCaller: () => void, listener: SubscriberListener) {
    this.#group = group;
    this.#removeCaller = removeCaller;
    this.#listener = listener;
    group.subscriberCount++;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // One async function, so that each pending subscriber holds one suspended function.
  async next(): Promise<IteratorResult<RenderedEvent, undefined>> {
    if (this.#isEnded) return END;
    const { source, renderer, gate } = this.#group;
    try {
      if (!this.#iterator) {
        const events = await source;
        if (this.#isEnded) return END; // Before it opens a reader that `return` could not close.
        this.#iterator = events[Symbol.asyncIterator]();
      }
      const { value, done } = await this.#iterator.next();
      if (this.#isEnded) return END;
      const rendered = done ? undefined : await renderer.renderEvent(value);
      if (rendered) await gate.wait();
      if (rendered && !this.#isEnded) return this.#deliver(rendered);
      await this.#end();
      return END;
    } catch (error) {
      if (this.#isEnded) return END;
      const rendered = this.#deliver(renderer.renderError(error));
      await this.#end();
      return rendered;
    }
  }

  #deliver(value: RenderedEvent): IteratorYieldResult<RenderedEvent> {
    this.#recordFirst(value.result);
    return { value, done: false };
  }

  #recordFirst(result: ExecutionResult | undefined): void {
    if (this.#hasResult) return;
    this.#hasResult = true;
    this.#listener.onFirstResult(result);
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#end();
    return END;
  }

  async #end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#removeCaller();
    this.#group.leave();
    this.#recordFirst(undefined);
    this.#listener.onEnd();
    try {
      await this.#iterator?.return?.();
    } catch (error) {
      this.#group.renderer.renderError(error); // Logs it.
    }
  }
}
