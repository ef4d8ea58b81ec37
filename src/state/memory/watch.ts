import { decideAcceptance, nextRevision, type Stored } from '../acceptance.ts';
import type { Accepted, Offer, OfferResult, ScopeListener, ScopeState, WatchState } from '../watch-state.ts';

/** The watched jobs of one process, which polls them all. */
export function createMemoryWatch(): WatchState {
  return {
    isShared: false,
    join: (_scope, listener) => createMemoryScope(listener),
    onHint: () => () => {},
    hint() {},
  };
}

interface StoredJob<O> extends Stored {
  readonly accepted: Accepted<O>;
}

/** A scope of one process. Followers get an accepted observation before `offer` returns. */
export function createMemoryScope<O>(listener: ScopeListener<O>): ScopeState<O> {
  const jobs = new Map<string, StoredJob<O>>();
  let lastRevision = 0;

  function accept({ jobId, expected, value, isTerminal, cause, observedAt, origin }: Offer<O>): OfferResult<O> {
    const stored = jobs.get(jobId);
    const next = { value: value === null ? null : value.raw, status: value?.status ?? '', isTerminal };
    const kind = decideAcceptance(stored, expected, next);
    if (stored && kind === 'unchanged') return { kind, revision: stored.revision };
    if (stored && kind === 'refused') return { kind, current: { ...stored.accepted, origin: undefined } };
    const revision = nextRevision(stored, expected, ++lastRevision);
    lastRevision = revision;
    const accepted = { jobId, revision, raw: next.value, cause, observedAt, origin };
    if (value === null) jobs.delete(jobId);
    else jobs.set(jobId, { ...next, revision, accepted });
    listener.onAccepted(accepted);
    return { kind: 'accepted', revision };
  }

  return {
    role: 'alone',
    intervalFactor: 1,
    offer: accept,
    async restore() {},
    setInterest() {},
    async compare(known) {
      return known.flatMap(({ jobId, revision }) => {
        const stored = jobs.get(jobId);
        return stored && stored.revision !== revision ? [stored.accepted] : [];
      });
    },
    requestPoll() {},
    async publishEvents() {},
    reportFailure() {},
    forget: (jobId) => void jobs.delete(jobId),
    leave: () => jobs.clear(),
  };
}
