import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Accepted, KnownJob, Offer, OfferResult, ScopeListener, SharedValue } from '../../watch-state.ts';
import type { RedisConnection } from '../connection/connection.ts';
import type { LogEntry } from '../connection/log-reader.ts';
import { reportUnreadable } from '../connection/redis-errors.ts';
import { MAX_ENTRIES, type ScopeKeys, TTL_MS } from './watch-keys.ts';
import { COMPARE, OFFER } from './watch-scripts.ts';

/** The offers of one replica in one scope. */
export interface Offers<O> {
  send(offer: Offer<O>): Promise<OfferResult<O>>;
  restore(jobId: string, revision: number, value: SharedValue, isTerminal: boolean): Promise<void>;
  compare(jobs: readonly KnownJob[]): Promise<readonly Accepted<O>[]>;
  /** Returns the accepted observation of an entry, with its origin if it was offered here. */
  acceptedOf(entry: LogEntry): Accepted<O>;
  /** Whether the body is that of the accepted observation of this revision. */
  isAccepted(jobId: string, revision: number | null, raw: unknown): boolean;
  forget(jobId: string): void;
  /** Forgets everything, also the offers whose entries have not come. */
  clear(): void;
}

/** Maximum jobs of one comparison: a script keeps all others waiting. */
const COMPARED = 500;

const text = z.string();
const storedSchema = z.tuple([text, text, text, text]);
const offerReply = z.union([
  z.tuple([z.literal('reset')]),
  z.tuple([z.enum(['accepted', 'unchanged']), text]),
  z.tuple([z.literal('refused'), text, text, text, text]),
]);
const compareReply = z.array(z.tuple([z.number(), text, text, text, text]));

export function createOffers<O>(redis: RedisConnection, keys: ScopeKeys, listener: ScopeListener<O>): Offers<O> {
  const pending = new Map<string, { origin: O; raw: unknown }>();
  const digests = new Map<string, { revision: number; digest: string }>(); // Of accepted observations, by job.
  let count = 0;

  function storedOf(jobId: string, [revision, body, cause, at]: z.output<typeof storedSchema>): Accepted<O> {
    const raw: unknown = body === '' ? null : JSON.parse(body);
    remember(jobId, Number(revision), digestOf(body));
    return { jobId, revision: Number(revision), raw, cause, observedAt: Number(at), origin: undefined };
  }

  function remember(jobId: string, revision: number, digest: string): void {
    if (revision >= (digests.get(jobId)?.revision ?? 0)) digests.set(jobId, { revision, digest });
  }

  async function run(mode: 'offer' | 'restore', number: string, offer: Omit<Offer<O>, 'origin'>) {
    const { jobId, expected, value, isTerminal, cause, observedAt } = offer;
    const body = value === null ? '' : JSON.stringify(value.raw);
    const digest = digestOf(body);
    const end = isTerminal ? '1' : '0';
    const about = [redis.epoch, mode, jobId, expected ?? '', value?.status ?? '', end, digest, body];
    const args = [...about, cause, observedAt, redis.replicaId, number, MAX_ENTRIES, TTL_MS];
    return offerReply.parse(await redis.run(OFFER, [keys.epoch, keys.job(jobId), keys.log, keys.meta], args));
  }

  return {
    async send(offer) {
      const number = String(++count);
      pending.set(number, { origin: offer.origin, raw: offer.value === null ? null : offer.value.raw });
      let isAccepted = false;
      try {
        const reply = await run('offer', number, offer);
        isAccepted = reply[0] === 'accepted';
        if (reply[0] === 'reset') return { kind: 'reset' };
        if (reply[0] === 'refused') {
          const [kind, ...stored] = reply;
          return { kind, current: storedOf(offer.jobId, stored) };
        }
        const [kind, revision] = [reply[0], Number(reply[1])];
        remember(offer.jobId, revision, offer.value === null ? '' : digestOf(JSON.stringify(offer.value.raw)));
        return { kind, revision };
      } finally {
        if (!isAccepted) pending.delete(number);
      }
    },
    async restore(jobId, revision, value, isTerminal) {
      const offer = { jobId, expected: revision, value, isTerminal, cause: 'poll', observedAt: 0 };
      const reply = await run('restore', '', offer);
      if (reply[0] !== 'refused') return;
      const [, ...stored] = reply;
      listener.onAccepted(storedOf(jobId, stored));
    },
    async compare(jobs) {
      const found: Accepted<O>[] = [];
      for (let start = 0; start < jobs.length; start += COMPARED) {
        const some = jobs.slice(start, start + COMPARED);
        const jobKeys = some.map(({ jobId }) => keys.job(jobId));
        const args = [TTL_MS, ...some.map(({ revision }) => revision ?? '')];
        for (const [index, ...stored] of compareReply.parse(await redis.run(COMPARE, jobKeys, args))) {
          const job = some[index];
          if (job) found.push(...readable(() => storedOf(job.jobId, stored)));
        }
      }
      return found;
    },
    acceptedOf(entry) {
      const field = (name: string) => entry.get(name) ?? '';
      const number = field('offer');
      const own = field('replica') === redis.replicaId ? pending.get(number) : undefined;
      pending.delete(own ? number : '');
      if (!own) return storedOf(field('id'), [field('revision'), field('body'), field('cause'), field('at')]);
      const { origin, raw } = own;
      const [jobId, cause] = [field('id'), field('cause')];
      return { jobId, revision: Number(field('revision')), raw, cause, observedAt: Number(field('at')), origin };
    },
    isAccepted(jobId, revision, raw) {
      const last = digests.get(jobId);
      return last !== undefined && last.revision === revision && last.digest === digestOf(JSON.stringify(raw));
    },
    forget: (jobId) => void digests.delete(jobId),
    clear() {
      pending.clear();
      digests.clear();
    },
  };
}

/** One job that cannot be read must not keep the others back. */
function readable<T>(read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    reportUnreadable('watch', error);
    return [];
  }
}

const digestOf = (body: string) => (body === '' ? '' : createHash('sha1').update(body).digest('base64'));
