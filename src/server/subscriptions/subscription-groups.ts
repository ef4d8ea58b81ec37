import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { Prepared } from '../graphql/prepare.ts';
import { createRendering, type Rendered, type Rendering, type RenderingOptions } from './event-renderer.ts';
import { groupKey } from './group-key.ts';
import { createGate, type Gate } from './yielding-gate.ts';

/**
 * One subscriber's results. It holds none back: the next one is what the source has for it once it is asked for. `return`
 * ends it at once, also while `next` waits.
 */
export interface Member extends AsyncIterableIterator<Rendered, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Equal subscriptions, together: their source is asked for once, and each of its items is executed once. */
export interface Groups {
  /** Gives the errors instead when the variables do not fit. `onLeave` is called once, when the member has ended. */
  join(prepared: Prepared, identity: Identity, onLeave: () => void): Member | ExecutionResult;
  /** How many there are. */
  readonly size: number;
}

/** How many members are told at once: when there are thousands, everything else has its turn in between. */
const AT_ONCE = 250;

interface Group {
  readonly rendering: Rendering;
  /** Of items with an identity, each call of whose iterator is another reader. Rejects when there is none to be had. */
  readonly source: Promise<AsyncIterable<object>>;
  readonly gate: Gate;
  members: number;
  leave(): void;
}

export function createGroups(options: RenderingOptions): Groups {
  const groups = new Map<string, Group>();
  const gate = createGate(AT_ONCE);

  function begin(key: string, rendering: Rendering): Group {
    const leaving = new AbortController();
    const source = sourceOf(rendering, leaving.signal);
    const forget = () => groups.get(key) === group && groups.delete(key);
    const group: Group = {
      rendering,
      source,
      gate,
      members: 0,
      leave() {
        if (--group.members > 0) return;
        forget(); // First, so that nobody joins what is about to be aborted.
        leaving.abort(new Error('The last subscriber has left.'));
        rendering.dispose();
      },
    };
    groups.set(key, group);
    source.catch(forget); // Who comes later may have more luck.
    return group;
  }

  return {
    join(prepared, identity, onLeave) {
      const key = groupKey(prepared, identity);
      let group = groups.get(key);
      if (!group) {
        const { role } = identity.viewer; // No name: what is shown to one is shown to all.
        const rendering = createRendering(options, prepared, { ...identity, viewer: { name: null, role } });
        if (!('args' in rendering)) return rendering;
        group = begin(key, rendering);
      }
      return new GroupMember(group, onLeave);
    },
    get size() {
      return groups.size;
    },
  };
}

async function sourceOf({ args, contextOf }: Rendering, signal: AbortSignal): Promise<AsyncIterable<object>> {
  const source = await createSourceEventStream({ ...args, contextValue: contextOf(signal) });
  if (!(Symbol.asyncIterator in source)) throw source.errors?.[0];
  return source as AsyncIterable<object>; // What a root field's `subscribe` gives is of objects.
}

const END = { value: undefined, done: true } as const;

/** A class, as there may be thousands, all of which wait. */
class GroupMember implements Member {
  readonly #group: Group;
  readonly #onLeave: () => void;
  #iterator: AsyncIterator<object> | undefined;
  #isOver = false;

  constructor(group: Group, onLeave: () => void) {
    this.#group = group;
    this.#onLeave = onLeave;
    group.members++;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // One function, so that one of each waits.
  async next(): Promise<IteratorResult<Rendered, undefined>> {
    if (this.#isOver) return END;
    const { source, rendering, gate } = this.#group;
    try {
      if (!this.#iterator) {
        const items = await source;
        if (this.#isOver) return END; // Before it reads, or nobody would end that.
        this.#iterator = items[Symbol.asyncIterator]();
      }
      const { value, done } = await this.#iterator.next();
      if (this.#isOver) return END;
      const rendered = done ? undefined : await rendering.event(value);
      if (rendered) await gate.pass();
      if (rendered && !this.#isOver) return { value: rendered, done: false };
      await this.#leave();
      return END;
    } catch (error) {
      if (this.#isOver) return END;
      await this.#leave();
      return { value: rendering.failure(error), done: false };
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
      this.#group.rendering.failure(error); // For the log.
    }
  }
}
