import { expect, it } from 'vitest';
import type { TestGateway } from '../../kit/gateway/gateway.ts';
import { create, idOf, type Site, startSite } from '../../kit/mutation/create-job.ts';

type Steer = 'Cancel' | 'Pause' | 'Resume';

/** What the sandbox lets be done to a job in each status. */
const ALLOWED: Record<string, readonly Steer[]> = {
  VALIDATING_FILES: ['Cancel'],
  QUEUED: ['Cancel'],
  RUNNING: ['Cancel', 'Pause'],
  PAUSING: ['Cancel'],
  PAUSED: ['Cancel', 'Resume'],
  RESUMING: ['Cancel'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: [],
};

async function steer(gateway: TestGateway, what: Steer, id: string) {
  const name = `${what.toLowerCase()}FineTuningJob`;
  const query = `mutation { ${name}(input: { jobId: "${id}" }) {
    __typename ... on Error { code message } ... on ConflictError { status }
  } }`;
  const { data, errors } = await gateway.query(query);
  expect(errors).toBeUndefined();
  return data?.[name];
}

/** A new job of which there is nothing more to wait for until it has this status. */
async function jobIn(status: string, site: Site, gateway: TestGateway): Promise<string> {
  const id = String(idOf(await create(gateway, { ...site.input, ...(status === 'FAILED' && UNFIT) })));
  const until = async (wanted: string) => {
    for (;;) {
      const { data } = await gateway.query(`{ fineTuningJob(id: "${id}") { status } }`);
      if (Object(data).fineTuningJob.status === wanted) return;
      site.clock.advance(500);
    }
  };
  if (/PAUS|RESUM/.test(status)) await until('RUNNING');
  if (/PAUS|RESUM/.test(status)) await steer(gateway, 'Pause', id);
  if (status === 'RESUMING') await until('PAUSED');
  if (status === 'RESUMING') await steer(gateway, 'Resume', id);
  if (status === 'CANCELLED') await steer(gateway, 'Cancel', id);
  await until(status);
  return id;
}

/** The file has no preferences: the job fails by it. */
const UNFIT = { method: { dpo: {} } };

it.each(Object.entries(ALLOWED))(
  'a job that is %s can be steered as far as its fields say, also twice at once; else it is a conflict',
  async (status, allowed) => {
    await using site = await startSite();
    const gateway = await site.open({ CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0', RATE_LIMIT_PER_MINUTE: '0' });
    for (const what of ['Cancel', 'Pause', 'Resume'] as const) {
      const success = { __typename: `${what}FineTuningJobSuccess` };
      const conflict = { __typename: 'ConflictError', code: 'CONFLICT' };
      const isAllowed = allowed.includes(what);
      const once = await jobIn(status, site, gateway);
      const { data } = await gateway.query(`{ fineTuningJob(id: "${once}") { viewerCan${what} } }`);
      expect(data).toEqual({ fineTuningJob: { [`viewerCan${what}`]: isAllowed } });
      expect(await steer(gateway, what, once)).toMatchObject(isAllowed ? success : { ...conflict, status });
      const twice = await jobIn(status, site, gateway);
      const outcomes = await Promise.all([steer(gateway, what, twice), steer(gateway, what, twice)]);
      const failed = outcomes.filter((outcome) => Object(outcome).__typename === 'ConflictError');
      expect(failed).toMatchObject(
        isAllowed
          ? [conflict]
          : [
              { ...conflict, status },
              { ...conflict, status },
            ],
      );
      expect(outcomes.filter((outcome) => !failed.includes(outcome))).toMatchObject(isAllowed ? [success] : []);
    }
  },
);
