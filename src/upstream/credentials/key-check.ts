import { type Clock, sleep } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import type { Credential } from './credential.ts';

/** Knows whether the upstream accepts the gateway's own credential. */
export interface KeyCheck {
  /** Records the status of a response to a call with the credential. */
  record(credential: Credential, status: number): void;
  /**
   * Whether the upstream refuses the credential for good: a list of jobs gets status 401. One endpoint may refuse a valid key
   * that lacks a permission. While it is unknown, this tries the credential, at most every five seconds, and waits at most
   * 800 ms for the result. An upstream that is down refuses nothing.
   */
  isRefused(credential: Credential): Promise<boolean>;
}

export interface KeyCheckOptions {
  readonly clock: Clock;
  /** Calls the upstream once. Rejects when it does not respond with success. */
  readonly tryKey: (credential: Credential) => Promise<unknown>;
  /** Called when a credential begins to be refused, and when it is accepted again. */
  readonly onChange: (isRefused: boolean) => void;
}

const TRY_INTERVAL_MS = 5000;
/** Less than the second after which Kubernetes gives up a probe. */
const MAX_WAIT_MS = 800;

interface State {
  verdict: 'unknown' | 'accepted' | 'refused';
  triedAt: number;
  trial: Promise<void> | null;
}

export function createKeyCheck({ clock, tryKey, onChange }: KeyCheckOptions): KeyCheck {
  const states = new WeakMap<Credential, State>();

  function stateOf(credential: Credential): State {
    let state = states.get(credential);
    if (state === undefined) {
      state = { verdict: 'unknown', triedAt: Number.NEGATIVE_INFINITY, trial: null };
      states.set(credential, state);
    }
    return state;
  }

  function setVerdict(state: State, verdict: State['verdict']) {
    if ((state.verdict === 'refused') !== (verdict === 'refused')) onChange(verdict === 'refused');
    state.verdict = verdict;
  }

  async function tryOnce(credential: Credential, state: State): Promise<void> {
    state.triedAt = clock.now();
    try {
      await tryKey(credential);
    } catch (error) {
      const isRefusal = error instanceof UpstreamError && error.facts.upstreamStatus === 401;
      if (isRefusal) setVerdict(state, 'refused'); // Other failures say nothing about the key.
    } finally {
      state.trial = null;
    }
  }

  return {
    record(credential, status) {
      const state = stateOf(credential);
      if (status === 401) {
        if (state.verdict === 'accepted') state.verdict = 'unknown';
      } else if (status < 500 && state.verdict !== 'accepted') {
        setVerdict(state, 'accepted');
      }
    },
    async isRefused(credential) {
      const state = stateOf(credential);
      if (state.verdict === 'accepted') return false;
      if (state.trial === null && clock.now() - state.triedAt >= TRY_INTERVAL_MS) {
        state.trial = tryOnce(credential, state);
      }
      if (state.trial !== null) {
        const wait = new AbortController();
        await Promise.race([state.trial, sleep(MAX_WAIT_MS, clock, wait.signal).catch(() => {})]);
        wait.abort();
      }
      return state.verdict === 'refused';
    },
  };
}
