import { expect } from 'vitest';
import { createTestClock, type TestClock } from '../clock.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { type ScriptedUpstream, startUpstream } from './upstream.ts';

export const NO_CACHE = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' };

/** A gateway with a scripted upstream and the test's clock. */
export interface World extends AsyncDisposable {
  readonly clock: TestClock;
  readonly upstream: ScriptedUpstream;
  readonly gateway: TestGateway;
  /** The clock's time in whole seconds, as in bodies of the REST API. */
  seconds(): number;
  /** Sends a query. Resolves to its data; fails on errors. Each query has a different text, so that the response cache is not used. */
  ask<T = Record<string, unknown>>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The targets of all upstream calls so far, below the base URL, without their queries. */
  targets(): string[];
  /** The targets of the upstream calls of a query, in order of arrival. */
  callsOf(query: string, variables?: Record<string, unknown>): Promise<string[]>;
}

export async function startWorld(settings: Record<string, string> = {}): Promise<World> {
  const clock = createTestClock();
  const upstream = await startUpstream();
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...settings }, clock);
  let queries = 0;
  async function ask<T>(query: string, variables?: Record<string, unknown>): Promise<T> {
    const { data, errors } = await gateway.query(`${query} # ${++queries}`, variables);
    expect(errors).toBeUndefined();
    return data as T; // The shape follows from the query.
  }
  return {
    clock,
    upstream,
    gateway,
    ask,
    seconds: () => Math.floor(clock.now() / 1000),
    targets: () => upstream.calls.map(({ target }) => target.split('?')[0] ?? ''),
    async callsOf(query, variables) {
      const before = upstream.calls.length;
      await ask(query, variables);
      return upstream.calls.slice(before).map(({ target }) => target);
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
