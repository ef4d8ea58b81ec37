import { HttpLink } from '@apollo/client';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../kit/bodies/job.ts';
import { createUrql, followByApollo, followByUrql, followers } from '../kit/client/followers.ts';
import { createCounter } from '../kit/counter.ts';
import { startUpstream } from '../kit/gateway/upstream.ts';
import { startScript } from '../kit/process/process.ts';

const ID = 'ftjob-1';

describe('a rolling deploy', () => {
  it('loses no subscriber of any client: each sees the end of the job', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: ID, status: 'running' }));
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text', POLL_INTERVAL_MS: '100' };
    await using first = startScript('src/main.ts', [], { ...settings, PORT: '0' });
    const [, url = ''] = await first.waitForOutput(/listens on (http:\S+\/graphql)/);
    const restart = Promise.withResolvers<void>();
    const follows = Object.entries(followers);
    const subscribed = createCounter();
    const seen = Object.fromEntries(follows.map(([name]): [string, string[]] => [name, []]));
    const ends = follows.map(([name, follow]) =>
      follow({ url, id: ID, beforeRetry: () => restart.promise }, ({ fineTuningJobStatusChanged: { status } }) => {
        if (seen[name]?.push(status) === 1) subscribed.count();
      }),
    );
    await Promise.race([subscribed.reached(follows.length), Promise.all(ends)]);
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    await using second = startScript('src/main.ts', [], { ...settings, PORT: new URL(url).port });
    await second.waitForOutput(/listens on/);
    upstream.onJob(jobBody({ id: ID, status: 'succeeded', fine_tuned_model: 'ft:x' }));
    restart.resolve();
    await Promise.all(ends);
    expect(seen).toEqual(Object.fromEntries(follows.map(([name]) => [name, ['RUNNING', 'SUCCEEDED']])));
  });

  it('is reported as an error to a client that does not reconnect', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: ID, status: 'running' }));
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text' };
    await using gateway = startScript('src/main.ts', [], { ...settings, PORT: '0' });
    const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
    const subscribed = createCounter();
    const onChange = () => subscribed.count();
    const ends = [
      followByApollo(new HttpLink({ uri: url }), ID, onChange),
      followByUrql(createUrql(url), ID, onChange),
    ].map((end) =>
      end.then(
        () => 'complete',
        (error) => String(error),
      ),
    );
    await subscribed.reached(ends.length);
    gateway.signal('SIGTERM');
    expect(await Promise.all(ends)).toEqual([
      expect.stringMatching(/TypeError: terminated/),
      expect.stringMatching(/\[Network\] terminated/),
    ]);
    expect(await gateway.ended).toBe(0);
  });
});
