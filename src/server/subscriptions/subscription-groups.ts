import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Clock } from '../../clock.ts';
import type { Identity } from '../../request/context.ts';
import type { Prepared } from '../graphql/prepare.ts';
import { createDeliverySchedule } from './delivery-schedule.ts';
import { createEventRenderer, type EventRenderer, type EventRendererOptions } from './event-renderer.ts';
import { createGroupCallers, type GroupCallers, type GroupMember } from './group-callers.ts';
import { groupKey } from './group-key.ts';
import { createSubscriber, type Subscriber, type SubscriberGroup, type SubscriberListener } from './subscriber.ts';

/** Groups equal subscriptions: a group has one source, and executes each of its events once. */
export interface SubscriptionGroups {
  /**
   * Adds a subscriber, or returns the errors when the variables are invalid. Calls `onEnd` once, when it has ended.
   * `onFirstResult` gets the first result; undefined when it ends without one.
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

/** Deliveries in one turn of the event loop, so that thousands of them do not block it. */
const BATCH_SIZE = 250;

interface Group extends SubscriberGroup {
  readonly callers: GroupCallers;
  subscriberCount: number;
}

export function createSubscriptionGroups(options: EventRendererOptions & { clock: Clock }): SubscriptionGroups {
  const groups = new Map<string, Group>();
  const schedule = createDeliverySchedule(BATCH_SIZE);

  function createGroup(key: string, renderer: EventRenderer, callers: GroupCallers): Group {
    const disposal = new AbortController();
    const source = createSource(renderer, disposal.signal);
    const remove = () => groups.get(key) === group && groups.delete(key);
    const group: Group = {
      renderer,
      source,
      schedule,
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
        const renderer = createEventRenderer(
          options,
          prepared,
          { ...identity, callerId: null, viewer: { name: null, role } },
          callers,
        );
        if (!('args' in renderer)) return renderer;
        group = createGroup(key, renderer, callers);
      }
      group.subscriberCount++;
      return createSubscriber(group, group.callers.add(member), listener);
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
