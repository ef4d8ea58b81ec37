import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { turning } from '../../kit/clock.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const CAN = 'viewerCanCancel viewerCanPause viewerCanResume';
const QUERY = `{ fineTuningJob(id: "ftjob-1") { ${CAN} } }`;
const FOLLOW = `subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { job { ${CAN} } } }`;
const PAUSE = 'mutation { pauseFineTuningJob(input: { jobId: "ftjob-1" }) { __typename } }';

const NOTHING = { viewerCanCancel: false, viewerCanPause: false, viewerCanResume: false };
const OF_RUNNING = { ...NOTHING, viewerCanCancel: true, viewerCanPause: true };
const OF_PAUSED = { ...NOTHING, viewerCanCancel: true, viewerCanResume: true };

const jobIn = (status: string) => jobBody({ id: 'ftjob-1', status });

/** A gateway for callers of each role, before an upstream with one job. */
async function start() {
  const { file, tokens } = tokenFile({ viewer: 'viewer', operator: 'operator', admin: 'admin' });
  const settings = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, ALLOW_MUTATIONS: 'on' };
  const world = await startWorld(settings);
  world.upstream.onJob(jobIn('running'));
  const bearerOf = (role: keyof typeof tokens) => `Bearer ${tokens[role]}`;
  return { ...world, bearerOf, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

describe('the viewerCan fields of a job', () => {
  it.each([['viewer', 'operator', 'admin', 'viewer'] as const, ['operator', 'viewer', 'admin', 'operator'] as const])(
    'depend on the role of the caller, for any order of callers: %s, %s, %s, %s',
    async (...roles) => {
      await using world = await start();
      for (const role of roles) {
        const { data } = await askAs(world.gateway.url, world.bearerOf(role), QUERY);
        expect(data).toEqual({ fineTuningJob: role === 'viewer' ? NOTHING : OF_RUNNING });
      }
      expect(world.upstream.calls).toHaveLength(1); // The others got the cached job.
    },
  );

  it('depend on the role of the subscriber, also for equal subscriptions of several roles', async () => {
    await using world = await start();
    const streamFor = (role: 'viewer' | 'operator') =>
      openSse(world.gateway.url, { query: FOLLOW }, { authorization: world.bearerOf(role) });
    await using ofViewer = await streamFor('viewer');
    await using ofOperator = await streamFor('operator');
    const next = async () => {
      const results = Promise.all([ofViewer.result(), ofOperator.result()]);
      return (await turning(world.clock, 1, results)).map(
        (result) => Object(result).data.fineTuningJobStatusChanged.job,
      );
    };
    expect(await next()).toEqual([NOTHING, OF_RUNNING]);
    world.upstream.on('/fine_tuning/jobs/ftjob-1/pause', jobIn('paused'));
    await askAs(world.gateway.url, world.bearerOf('operator'), PAUSE);
    expect(await next()).toEqual([NOTHING, OF_PAUSED]);
  });
});
