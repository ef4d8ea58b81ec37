import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Callers with tokens share one credential. They take turns with its calls, however many calls one of them makes.

/** At ten calls per second, the calls of the flood would take 15 seconds. */
const FLOOD = 150;
const MAX_RPS = 10;
/** Far below the delay of the flood, and far above two turns. */
const MAX_MS = 8000;

const LIST = '{ fineTuningJobs(first: 3) { edges { node { id } } } }';
const jobQuery = (id: string) => `{ fineTuningJob(id: "${id}") { status } }`;
const IS_RUNNING = { data: { fineTuningJob: { status: 'RUNNING' } } };

async function start(settings: Record<string, string> = {}) {
  const upstream = await startUpstream();
  upstream.onJobs([jobBody({ id: 'ftjob-listed' })]);
  const { file, tokens } = tokenFile({ ann: 'operator', bob: 'operator' });
  const gateway = await startGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    AUTH: 'tokens',
    AUTH_TOKENS_FILE: file,
    UPSTREAM_MAX_RPS: String(MAX_RPS),
    ...settings,
  });
  const clients = new AbortController();
  const ask = async (caller: 'ann' | 'bob', query: string): Promise<unknown> => {
    const { body } = await request(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens[caller]}` },
      body: JSON.stringify({ query }),
      signal: clients.signal,
    });
    return await body.json();
  };
  return {
    upstream,
    ask,
    /** Sends queries of Ann, each for another job. Resolves when the first calls have been made and the others wait. */
    async flood(count: number, callsAtOnce: number) {
      const before = upstream.calls.length;
      for (let index = 0; index < count; index++) ask('ann', jobQuery(`ftjob-${index}`)).catch(() => null);
      await until(() => upstream.calls.length >= before + callsAtOnce);
      await gateway.received(count);
    },
    async timeOf(query: Promise<unknown>) {
      const startedAt = performance.now();
      const result = await query;
      return { result, ms: performance.now() - startedAt };
    },
    async [Symbol.asyncDispose]() {
      clients.abort();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const respondWithJob = ({ url = '' }: IncomingMessage, response: ServerResponse) =>
  writeResponse(response, 200, jobBody({ id: url.split('/').at(-1) ?? '' }));

describe('a caller with many waiting calls', () => {
  it('does not delay a query of another caller with the same credential', async () => {
    await using world = await start();
    world.upstream.failAll(respondWithJob);
    await world.flood(FLOOD, MAX_RPS);
    for (let index = 0; index < 5; index++) {
      const { result, ms } = await world.timeOf(world.ask('bob', jobQuery(`ftjob-of-bob-${index}`)));
      expect(result).toEqual(IS_RUNNING);
      expect(ms).toBeLessThan(MAX_MS);
    }
  });

  it('does not delay another caller that joins one of its reads', async () => {
    await using world = await start();
    await world.flood(FLOOD, MAX_RPS);
    void world.ask('ann', LIST).catch(() => null); // The last in the queue of Ann.
    await world.ask('ann', '{ __typename }');
    const { result, ms } = await world.timeOf(world.ask('bob', `${LIST} # the same read`));
    expect(result).toEqual({ data: { fineTuningJobs: { edges: [{ node: { id: 'ftjob-listed' } }] } } });
    expect(ms).toBeLessThan(MAX_MS);
    expect(world.upstream.calls.filter(({ target }) => target.includes('limit='))).toHaveLength(1);
  });

  it('does not take all connections of the credential while the upstream does not respond', async () => {
    await using world = await start({ UPSTREAM_CONNECTIONS: '8', UPSTREAM_MAX_RPS: '1000' });
    world.upstream.failAll((message, response) => {
      if (message.url?.includes('bob')) respondWithJob(message, response);
    });
    await world.flood(50, 6);
    const { result, ms } = await world.timeOf(world.ask('bob', jobQuery('ftjob-of-bob')));
    expect(result).toEqual(IS_RUNNING);
    expect(ms).toBeLessThan(MAX_MS);
    expect(world.upstream.calls.filter(({ target }) => !target.includes('bob'))).toHaveLength(6);
  });
});
