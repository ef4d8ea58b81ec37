import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import { JwtError } from './jwt-error.ts';

/** Age at which a key set is read again in the background, in milliseconds. */
const MAX_AGE_MS = 600_000;
/** Time without another read after one that failed or brought no new key, in milliseconds. */
const COOLDOWN_MS = 10_000;

/** The keys of an issuer at one time. Equal sets are the same object. */
export interface KeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>;
}

/** The keys of an issuer, which changes them now and then. */
export interface IssuerKeys {
  /** Returns the known keys; null before the first read. Has old ones read again in the background. */
  known(): KeySet | null;
  /** Resolves to the known keys, or reads them. Rejects with a JwtError while they cannot be read. */
  get(): Promise<KeySet>;
  /**
   * Resolves to keys that are newer than `outdated`, which lacks a key; to the same ones when there are none, or the last read
   * is too recent. Rejects with a JwtError while they cannot be read.
   */
  renew(outdated: KeySet): Promise<KeySet>;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly read: (issuer: string) => Promise<JSONWebKeySet>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the gateway stops, which ends reads. */
  readonly signal: AbortSignal;
}

/**
 * Creates the keys of an issuer. Tokens with unknown keys have them read again. Anyone can send such tokens, so a read that
 * brings no new key starts a cooldown; one that brings a new key does not, so that each rotation is seen at once.
 */
export function createIssuerKeys({ issuer, read, clock, log, signal }: IssuerKeysOptions): IssuerKeys {
  let known: (KeySet & { readonly text: string; readonly ids: ReadonlySet<string> }) | null = null;
  let staleAt = Number.NEGATIVE_INFINITY;
  let nextReadAt = Number.NEGATIVE_INFINITY;
  let isFailing = false;
  let reading: Promise<void> | null = null;

  function readOnce(): Promise<void> {
    reading ??= load().finally(() => {
      reading = null;
    });
    return reading;
  }

  async function load() {
    try {
      const { keys } = await read(issuer);
      const text = canonicalJson(keys);
      const ids = new Set(keys.map((key) => key.kid ?? canonicalJson(key)));
      const hasNewKey = known === null || [...ids].some((id) => !known?.ids.has(id));
      if (known?.text !== text) known = { find: createLocalJWKSet({ keys }), text, ids };
      if (isFailing) log.info({ issuer }, 'the keys of the issuer can be read again');
      isFailing = false;
      staleAt = clock.now() + MAX_AGE_MS;
      nextReadAt = hasNewKey ? clock.now() : clock.now() + COOLDOWN_MS;
    } catch (error) {
      if (!isFailing && !signal.aborted) log.error({ issuer, reason: Object(error).message }, UNREADABLE);
      isFailing = true;
      nextReadAt = clock.now() + COOLDOWN_MS;
    }
  }

  const isCoolingDown = () => clock.now() < nextReadAt;

  function refreshStale() {
    if (clock.now() >= staleAt && !isCoolingDown()) void readOnce();
    return known;
  }

  return {
    known: refreshStale,
    async get() {
      if (refreshStale() === null && reading !== null) await reading;
      return known ?? unavailable(nextReadAt - clock.now());
    },
    async renew(outdated) {
      if (reading !== null) await reading; // It may have begun before the rotation: read again if it brings nothing.
      if (known !== null && known !== outdated) return known;
      if (!isCoolingDown()) await readOnce();
      if (isFailing) unavailable(nextReadAt - clock.now());
      return known ?? outdated;
    },
  };
}

const UNREADABLE = 'the keys of an issuer of JWT_ISSUERS cannot be read; known keys stay valid';

function unavailable(waitMs: number): never {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  throw new JwtError(`the keys of its issuer cannot be read now; retry after ${seconds} seconds`, seconds);
}
