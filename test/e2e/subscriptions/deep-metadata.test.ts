import { expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startFeed } from '../../kit/gateway/feed.ts';

/** More levels than JSON.stringify can recurse into. */
const LEVELS = 20_000;
const FILTERED =
  'subscription { anyFineTuningJobStatusChanged(filter: { metadata: [{ key: "team", value: "a" }] }) { job { id } status } }';
const LIST = '{ fineTuningJobs { edges { node { id status metadata { key value } } } } }';

/** A body whose metadata has `team`, which is nested too deep to be JSON text. */
const deepBody = (id: string, status: string, levels: number) =>
  JSON.stringify(jobBody({ id, status, metadata: { team: 'DEEP' } })).replace(
    '"DEEP"',
    '['.repeat(levels) + ']'.repeat(levels),
  );

it.each([
  [LEVELS, 'too long'],
  [1000, 'nested too deep'],
])(
  'metadata of %i levels breaks neither lists of other callers nor a subscription with a filter',
  async (levels, text) => {
    await using feed = await startFeed({ CACHE_ACTIVE_MS: '0' });
    const setStatus = (status: string) => {
      const sound = JSON.stringify(jobBody({ id: 'ftjob-sound', status, metadata: { team: 'a' } }));
      feed.upstream.on('/fine_tuning/jobs', (_: unknown, response: { end(text: string): void }) =>
        response.end(`{"data":[${deepBody('ftjob-deep', status, levels)},${sound}],"has_more":false}`),
      );
    };
    setStatus('queued');
    await using stream = await feed.subscribe(FILTERED);
    await feed.advanceBy(0);
    const change = (status: string) => ({
      data: { anyFineTuningJobStatusChanged: { job: { id: 'ftjob-sound' }, status } },
    });
    expect(await stream.result()).toEqual(change('QUEUED'));
    setStatus('running');
    const node = (id: string, value: string) => ({
      node: { id, status: 'RUNNING', metadata: [{ key: 'team', value }] },
    });
    expect(await feed.ask(LIST)).toEqual({
      fineTuningJobs: { edges: [node('ftjob-deep', text), node('ftjob-sound', 'a')] },
    });
    expect(await stream.result()).toEqual(change('RUNNING'));
  },
);

it.each([
  ['error', (nested: unknown) => ({ error: { code: 'c', message: nested } }), 'error { message }'],
  ['raw', (nested: unknown) => ({ notes: nested }), 'raw'],
  [
    'grader',
    (nested: unknown) => ({ method: { type: 'reinforcement', reinforcement: { grader: nested } } }),
    'method { type }',
  ],
])('a deep %s breaks no other field of the job', async (_, members, selection) => {
  await using feed = await startFeed();
  const body = JSON.stringify(jobBody({ id: 'ftjob-1', ...members('DEEP') }));
  const nested = `${'{"a":'.repeat(LEVELS)}0${'}'.repeat(LEVELS)}`;
  feed.upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: { end(text: string): void }) =>
    response.end(body.replace('"DEEP"', nested)),
  );
  const { data, errors = [] } = await feed.gateway.query(`{ fineTuningJob(id: "ftjob-1") { id ${selection} } }`);
  expect(data?.['fineTuningJob']).toMatchObject({ id: 'ftjob-1' });
  for (const { extensions } of errors) expect(extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
});
