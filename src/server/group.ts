import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Identity } from '../context.ts';
import { groupKey } from './group-key.ts';
import type { Prepared } from './prepare.ts';
import { createRendering, type Rendered, type Rendering, type RenderingOptions } from './rendering.ts';

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

interface Group {
  readonly rendering: Rendering;
  /** Of items with an identity, each call of whose iterator is another reader. Rejects when there is none to be had. */
  readonly source: Promise<AsyncIterable<object>>;
  members: number;
  leave(): void;
}

export function createGroups(options: RenderingOptions): Groups {
  const groups = new Map<string, Group>();

  function begin(key: string, rendering: Rendering): Group {
    const leaving = new AbortController();
    const source = sourceOf(rendering, leaving.signal);
    const forget = () => groups.get(key) === group && groups.delete(key);
    const group: Group = {
      rendering,
      source,
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
      return createMember(group, onLeave);
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

function createMember(group: Group, onLeave: () => void): Member {
  let iterator: AsyncIterator<object> | undefined;
  let isOver = false;
  group.members++;

  async function leave(): Promise<void> {
    if (isOver) return;
    isOver = true;
    group.leave();
    onLeave();
    try {
      await iterator?.return?.();
    } catch (error) {
      group.rendering.failure(error); // For the log.
    }
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    // One function, as thousands wait in it.
    async next() {
      if (isOver) return END;
      try {
        if (!iterator) {
          const source = await group.source;
          if (isOver) return END; // Before it reads, or nobody would end that.
          iterator = source[Symbol.asyncIterator]();
        }
        const { value, done } = await iterator.next();
        if (isOver) return END;
        const rendered = done ? undefined : await group.rendering.event(value);
        if (rendered && !isOver) return { value: rendered, done: false };
        await leave();
        return END;
      } catch (error) {
        if (isOver) return END;
        await leave();
        return { value: group.rendering.failure(error), done: false };
      }
    },
    async return() {
      await leave();
      return END;
    },
  };
}
