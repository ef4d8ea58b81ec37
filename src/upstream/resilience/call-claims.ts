import type { CallCause } from '../../telemetry/events.ts';
import { MAX_LINKS } from '../../telemetry/spans.ts';
import type { TraceContext } from '../../telemetry/trace-context.ts';

// One upstream call can serve many callers: equal reads are shared, and a poll serves all subscribers of a job. Each caller
// has a claim to the call, and the call takes the first turn of any claim. So no caller waits longer for a shared call than
// for a call of its own.

/**
 * The purpose of a call, highest priority first. `poll`: observes jobs for subscriptions. `event`: reads what their events
 * select. `unverified`: any purpose, while the upstream has not accepted the caller's key.
 */
export const PRIORITIES = ['mutation', 'query', 'poll', 'event', 'unverified'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Whether a call is made for subscriptions only. No request waits for it, and such calls do not end by themselves. */
export const isOfSubscription = (priority: Priority) => priority === 'poll' || priority === 'event';

/** A caller of the gateway. Callers take turns with their upstream calls. */
export interface Caller {
  /** Identifies the caller: its name, or its credential and address. */
  readonly key: string;
  /** The address of its client, which owns the turns of all keys that the upstream has not accepted yet. */
  readonly address: string;
  /** The span of the caller's request; undefined without traces. */
  readonly trace?: TraceContext | null | undefined;
}

/** The points that pay for the upstream calls of a subscription. */
export interface CallAccount {
  /** Resolves when there are points. Rejects with the reason of the signal. */
  waitForPoints(signal: AbortSignal): Promise<void>;
  /** Spends one point. */
  charge(): void;
}

/** The callers that wait for the upstream calls of a request or a subscription. */
export interface Claimant {
  readonly priority: Exclude<Priority, 'unverified'>;
  /** Can change between calls: subscribers come and go. */
  readonly callers: Iterable<Caller>;
  /** Receives the claims to each call, so that callers that come later can be added. */
  readonly onClaim?: (claims: CallClaims) => void;
  /** Pays for each call; undefined where calls are paid in advance, or free. */
  readonly account?: CallAccount;
  /** The purpose of the calls, where it is not the priority. */
  readonly cause?: 'webhook' | undefined;
  /** The span that the calls belong to. By default that of the first caller, except for calls of subscriptions. */
  readonly trace?: TraceContext | null | undefined;
}

/** A claim of one caller to a call. */
export interface CallClaim {
  readonly priority: Priority;
  readonly caller: Caller;
}

/** Maximum claims to one call. More callers share the turns of the first ones. */
const MAX_CLAIMS = 16;

/** Returns the spans of the first callers, for the links of a span that works for all of them. */
export function linksOf(callers: Iterable<Caller>): TraceContext[] {
  const links = new Set<TraceContext>();
  for (const { trace } of callers) {
    if (links.size === MAX_LINKS) break;
    if (trace?.isSampled) links.add(trace);
  }
  return [...links];
}

const ANONYMOUS: Caller = { key: '', address: '' };

/** The claimant of calls without a caller. */
export const ANONYMOUS_QUERY: Claimant = { priority: 'query', callers: [ANONYMOUS] };

/** The claims to one call. A class, because there is one per upstream call. */
export class CallClaims {
  readonly claims: CallClaim[] = [];
  readonly cause: CallCause;
  readonly #trace: TraceContext | null;
  /** Called with each claim that is added while the call waits. */
  onAdded: ((claim: CallClaim) => void) | null = null;

  /** The only claim; undefined when there are several. */
  get sole(): CallClaim | undefined {
    return this.claims.length === 1 ? this.claims[0] : undefined;
  }

  constructor(claimant: Claimant) {
    this.cause = claimant.cause ?? claimant.priority;
    this.#trace = claimant.trace ?? null;
    this.add(claimant);
    if (this.claims.length === 0) this.#add({ priority: claimant.priority, caller: ANONYMOUS });
  }

  /** The span that the call belongs to; null for the root of a trace. */
  get trace(): TraceContext | null {
    const [first] = this.claims;
    return this.#trace ?? (first && !isOfSubscription(first.priority) ? (first.caller.trace ?? null) : null);
  }

  /** The spans of the callers that wait for the call, except its parent. */
  linksBeside(parent: TraceContext | null): TraceContext[] {
    return linksOf(Array.from(this.claims, ({ caller }) => caller)).filter(({ spanId }) => spanId !== parent?.spanId);
  }

  /** Adds a claim for each caller that has none yet. */
  add(claimant: Claimant): void {
    claimant.onClaim?.(this);
    const { priority, callers } = claimant;
    for (const caller of callers) {
      if (this.claims.length === MAX_CLAIMS) return;
      if (!this.#has(priority, caller.key)) this.#add({ priority, caller });
    }
  }

  #has(priority: Priority, callerKey: string): boolean {
    for (const known of this.claims) if (known.priority === priority && known.caller.key === callerKey) return true;
    return false;
  }

  #add(claim: CallClaim) {
    this.claims.push(claim);
    this.onAdded?.(claim);
  }
}
