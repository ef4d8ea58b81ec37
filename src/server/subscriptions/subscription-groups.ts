import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { Prepared } from '../graphql/prepare.ts';
import {
  createEventRenderer,
  type EventRenderer,
  type EventRendererOptions,
  type RenderedEvent,
} from './event-renderer.ts';
import { groupKey } from './group-key.ts';
import { createYieldingGate, type YieldingGate } from './yielding-gate.ts';

/**
 * One subscriber's results. It holds none back: the next one is what the source has for it once it is asked for. `return`
 * ends it at once, also while `next` waits.
 */
export interface Subscriber extends AsyncIterableIterator<RenderedEvent, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Equal subscriptions, together: their source is asked for once, and each of its items is executed once. */
export interface SubscriptionGroups {
  /** Gives the errors instead when the variables do not fit. `onLeave` is called once, when the member has ended. */
  subscribe(prepared: Prepared, identity: Identity, onLeave: () => void): Subscriber | ExecutionResult;
  /** How many there are. */
  readonly size: number;
}

/** How many members are told at once: when there are thousands, everything else has its turn in between. */
const AT_ONCE = 250;

interface Group {
  readonly renderer: EventRenderer;
  /** Of items with an identity, each call of whose iterator is another reader. Rejects when there is none to be had. */
  readonly source: Promise<AsyncIterable<object>>;
  readonly gate: YieldingGate;
  subscribers: number;
  leave(): void;
}

export function createSubscriptionGroups(options: EventRendererOptions): SubscriptionGroups {
  const groups = new Map<string, Group>();
  const gate = createYieldingGate(AT_ONCE);

  function begin(key: string, renderer: EventRenderer): Group {
    const leaving = new AbortController();
    const source = sourceOf(renderer, leaving.signal);
    const forget = () => groups.get(key) === group && groups.delete(key);
    const group: Group = {
      renderer,
      source,
      gate,
      subscribers: 0,
      leave() {
        if (--group.subscribers > 0) return;
        forget(); // First, so that nobody joins what is about to be aborted.
        leaving.abort(new Error('The last subscriber has left.'));
        renderer.dispose();
      },
    };
    groups.set(key, group);
    source.catch(forget); // Who comes later may have more luck.
    return group;
  }

  return {
    subscribe(prepared, identity, onLeave) {
      const key = groupKey(prepared, identity);
      let group = groups.get(key);
      if (!group) {
        const { role } = identity.viewer; // No name: what is shown to one is shown to all.
        const renderer = createEventRenderer(options, prepared, { ...identity, viewer: { name: null, role } });
        if (!('args' in renderer)) return renderer;
        group = begin(key, renderer);
      }
      return new GroupSubscriber(group, onLeave);
    },
    get size() {
      return groups.size;
    },
  };
}

async function sourceOf({ args, contextOf }: EventRenderer, signal: AbortSignal): Promise<AsyncIterable<object>> {
  const source = await createSourceEventStream({ ...args, contextValue: contextOf(signal) });
  if (!(Symbol.asyncIterator in source)) throw source.errors?.[0];
  return source as AsyncIterable<object>; // What a root field's `subscribe` gives is of objects.
}

const END = { value: undefined, done: true } as const;

/** A class, as there may be thousands, all of which wait. */
class GroupSubscriber implements Subscriber {
  readonly #group: Group;
  readonly #onLeave: () => void;
  #iterator: AsyncIterator<object> | undefined;
  #isOver = false;

  constructor(group: Group, onLeave: () => void) {
    this.#group = group;
    this.#onLeave = onLeave;
    group.subscribers++;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // One function, so that one of each waits.
  async next(): Promise<IteratorResult<RenderedEvent, undefined>> {
    if (this.#isOver) return END;
    const { source, renderer, gate } = this.#group;
    try {
      if (!this.#iterator) {
        const items = await source;
        if (this.#isOver) return END; // Before it reads, or nobody would end that.
        this.#iterator = items[Symbol.asyncIterator]();
      }
      const { value, done } = await this.#iterator.next();
      if (this.#isOver) return END;
      const rendered = done ? undefined : await renderer.renderEvent(value);
      if (rendered) await gate.wait();
      if (rendered && !this.#isOver) return { value: rendered, done: false };
      await this.#leave();
      return END;
    } catch (error) {
      if (this.#isOver) return END;
      await this.#leave();
      return { value: renderer.renderError(error), done: false };
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#leave();
    return END;
  }

  async #leave(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#group.leave();
    this.#onLeave();
    try {
      await this.#iterator?.return?.();
    } catch (error) {
      this.#group.renderer.renderError(error); // For the log.
    }
  }
}
