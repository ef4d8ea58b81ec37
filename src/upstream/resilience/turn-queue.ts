import { type CallClaim, type CallClaims, PRIORITIES, type Priority } from './call-claims.ts';
import { createFairQueue } from './fair-queue.ts';

/** The right of one owner to the next call of a priority. Owners take turns within a priority. */
export interface Turn {
  readonly priority: Priority;
  readonly owner: string;
}

/** The turns that one call may take, whichever comes first. */
export interface CallTurns {
  readonly current: readonly Turn[];
  /** Sets the function that is called with each turn that is added later; null removes it. */
  listen(onAdded: ((turn: Turn) => void) | null): void;
}

/** Returns the turns of all claims to a call. */
export function turnsOf(claims: CallClaims, turnOf: (claim: CallClaim) => Turn): CallTurns {
  return {
    get current() {
      return claims.claims.map(turnOf);
    },
    listen(onAdded) {
      claims.onAdded = onAdded && ((claim) => onAdded(turnOf(claim)));
    },
  };
}

/** The turn of a caller with a verified credential. */
export const callerTurn = ({ priority, caller }: CallClaim): Turn => ({ priority, owner: caller.key });

/** Whether a call may take this turn now. `isOverdue`: MAX_SKIPPED calls of higher priorities went before. */
export type IsAllowed = (turn: Turn, isOverdue: boolean) => boolean;

/** Calls that wait for their turn. No priority can block a lower one: see MAX_SKIPPED. */
export interface TurnQueue {
  readonly isEmpty: boolean;
  /** The priorities of the calls that wait, how many of each, and whether it is overdue. */
  waiting(): readonly { readonly priority: Priority; readonly isOverdue: boolean; readonly count: number }[];
  /** Number of waiting calls with this turn. */
  countOf(turn: Turn): number;
  /** Maximum calls that go before one that this owner would add now. */
  countAhead(turn: Turn): number;
  /** Whether `admitNext` would admit a call. */
  hasNext(isAllowed: IsAllowed): boolean;
  /** Waits for a turn. Resolves to the one that was taken. Rejects with the reason of the signal. */
  wait(turns: CallTurns, signal: AbortSignal): Promise<Turn>;
  /** Admits the next call that may take its turn now. Returns the turn; undefined when there is none. */
  admitNext(isAllowed: IsAllowed): Turn | undefined;
}

/** Calls of higher priorities in a row before one of this priority goes first, so that no flood blocks it. */
const MAX_SKIPPED: Readonly<Record<Priority, number>> = {
  mutation: Number.POSITIVE_INFINITY,
  query: 3,
  poll: 9,
  event: 9,
  unverified: 19,
};

/** The lower priorities of each. */
const LOWER: Readonly<Record<Priority, readonly Priority[]>> = {
  mutation: ['query', 'poll', 'event', 'unverified'],
  query: ['poll', 'event', 'unverified'],
  poll: ['event', 'unverified'],
  event: ['unverified'],
  unverified: [],
};

type Admit = (turn: Turn) => void;

/** `onChange` is called when a call has joined or left the queue. */
export function createTurnQueue(onChange: () => void): TurnQueue {
  const queues = {
    mutation: createFairQueue<Admit>(),
    query: createFairQueue<Admit>(),
    poll: createFairQueue<Admit>(),
    event: createFairQueue<Admit>(),
    unverified: createFairQueue<Admit>(),
  };
  const skipped = { mutation: 0, query: 0, poll: 0, event: 0, unverified: 0 };
  let waitingCount = 0;

  const isOverdue = (priority: Priority) => skipped[priority] >= MAX_SKIPPED[priority];

  function recordTurn(priority: Priority) {
    skipped[priority] = 0;
    for (const lower of LOWER[priority]) {
      skipped[lower] = Math.min(skipped[lower] + 1, MAX_SKIPPED[lower]);
    }
  }

  function canTake(priority: Priority, isAllowed: IsAllowed): boolean {
    if (queues[priority].size === 0) return false;
    return queues[priority].hasNext((owner) => isAllowed({ priority, owner }, isOverdue(priority)));
  }

  /** The next priority: an overdue one, else the highest. */
  function nextPriority(isAllowed: IsAllowed): Priority | undefined {
    let highest: Priority | undefined;
    for (const priority of PRIORITIES) {
      if (highest !== undefined && !isOverdue(priority)) continue;
      if (!canTake(priority, isAllowed)) continue;
      if (isOverdue(priority)) return priority;
      highest = priority;
    }
    return highest;
  }

  return {
    get isEmpty() {
      return waitingCount === 0;
    },
    waiting: () =>
      PRIORITIES.filter((priority) => queues[priority].size > 0).map((priority) => ({
        priority,
        isOverdue: isOverdue(priority),
        count: queues[priority].size,
      })),
    countOf: ({ priority, owner }) => queues[priority].countOf(owner),
    countAhead({ priority, owner }) {
      const rank = PRIORITIES.indexOf(priority);
      const own = queues[priority].countAhead(owner);
      const higher = PRIORITIES.slice(0, rank).reduce((sum, name) => sum + queues[name].size, 0);
      let ahead = own + (higher === 0 ? 0 : Math.min(higher, (own + 1) * MAX_SKIPPED[priority]));
      for (const lower of PRIORITIES.slice(rank + 1)) {
        ahead += Math.min(queues[lower].size, Math.floor((skipped[lower] + ahead) / MAX_SKIPPED[lower]));
      }
      return ahead;
    },
    hasNext: (isAllowed) => nextPriority(isAllowed) !== undefined,
    wait({ current, listen }, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const { promise, resolve, reject } = Promise.withResolvers<Turn>();
      const leave = () => {
        waitingCount--;
        for (const priority of joined) queues[priority].delete(admit);
        signal.removeEventListener('abort', onAbort);
        listen(null);
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
        onChange();
      };
      const admit: Admit = (turn) => {
        leave();
        resolve(turn);
      };
      const joined = new Set<Priority>();
      const join = ({ priority, owner }: Turn) => {
        joined.add(priority);
        queues[priority].add(owner, admit);
      };
      waitingCount++;
      signal.addEventListener('abort', onAbort);
      current.forEach(join);
      listen((turn) => {
        join(turn);
        onChange();
      });
      onChange();
      return promise;
    },
    admitNext(isAllowed) {
      const priority = nextPriority(isAllowed);
      if (priority === undefined) return undefined;
      const next = queues[priority].take((owner) => isAllowed({ priority, owner }, isOverdue(priority)));
      if (next === undefined) return undefined;
      const turn = { priority, owner: next.owner };
      recordTurn(priority);
      next.item(turn);
      return turn;
    },
  };
}
