import { type Clock, sleep } from '../../clock.ts';
import type { CallAccount, Caller, Claimant } from '../../upstream/resilience/call-claims.ts';
import type { CallerAccount } from '../limits/caller-account.ts';

/** A caller and the account that pays for its subscriptions. */
export interface GroupMember {
  readonly caller: Caller;
  readonly account: CallerAccount;
}

/**
 * The callers of one subscription group. They own the turns of its upstream calls together, and take turns in paying for
 * them. While no caller has points, no call is started: the next event waits.
 */
export interface GroupCallers extends Claimant {
  readonly account: CallAccount;
  /** Adds a subscriber of a caller. Returns a function that removes it. */
  add(member: GroupMember): () => void;
}

/** Maximum time until the accounts are checked again: a caller with points can have joined. */
const MAX_SLEEP_MS = 1000;

export function createGroupCallers(clock: Clock): GroupCallers {
  const members = new Map<string, GroupMember & { subscribers: number }>();

  /** Milliseconds until the first caller has points. */
  async function msUntilPoints(): Promise<number> {
    let first = MAX_SLEEP_MS;
    for (const { account } of members.values()) {
      const ms = await account.msUntilPoints();
      if (ms === 0) return 0;
      first = Math.min(first, ms);
    }
    return first;
  }

  return {
    priority: 'event',
    callers: {
      *[Symbol.iterator]() {
        for (const { caller } of members.values()) yield caller;
      },
    },
    account: {
      async waitForPoints(signal) {
        for (;;) {
          signal.throwIfAborted();
          const ms = await msUntilPoints();
          if (ms === 0) return;
          await sleep(ms, clock, signal);
        }
      },
      charge() {
        const [first] = members;
        if (first === undefined) return;
        const [key, member] = first;
        members.delete(key);
        members.set(key, member); // The next caller pays for the next call.
        member.account.charge();
      },
    },
    add({ caller, account }) {
      const { key } = caller;
      const member = members.get(key) ?? { caller, account, subscribers: 0 };
      members.set(key, member);
      member.subscribers++;
      return () => {
        if (--member.subscribers === 0) members.delete(key);
      };
    },
  };
}
