import { expect, it } from 'vitest';
import type { TestGateway } from '../../kit/gateway/gateway.ts';
import { create, idOf, type SandboxWorld, startSandboxWorld } from '../../kit/mutation/create-job.ts';

type Action = 'Cancel' | 'Pause' | 'Resume';

/** The actions that the sandbox allows in each status. */
const ALLOWED: Record<string, readonly Action[]> = {
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

async function control(gateway: TestGateway, action: Action, id: string) {
  const name = `${action.toLowerCase()}FineTuningJob`;
  const query = `mutation { ${name}(input: { jobId: "${id}" }) {
    __typename ... on Error { code message } ... on ConflictError { status }
  } }`;
  const { data, errors } = await gateway.query(query);
  expect(errors).toBeUndefined();
  return data?.[name];
}

/** Creates a job and advances the clock until it has a status. */
async function jobIn(status: string, world: SandboxWorld, gateway: TestGateway): Promise<string> {
  const id = String(idOf(await create(gateway, { ...world.input, ...(status === 'FAILED' && UNFIT) })));
  const until = async (target: string) => {
    for (;;) {
      const { data } = await gateway.query(`{ fineTuningJob(id: "${id}") { status } }`);
      if (Object(data).fineTuningJob.status === target) return;
      world.clock.advance(500);
    }
  };
  if (/PAUS|RESUM/.test(status)) await until('RUNNING');
  if (/PAUS|RESUM/.test(status)) await control(gateway, 'Pause', id);
  if (status === 'RESUMING') await until('PAUSED');
  if (status === 'RESUMING') await control(gateway, 'Resume', id);
  if (status === 'CANCELLED') await control(gateway, 'Cancel', id);
  await until(status);
  return id;
}

/** The training file has no preferences, so that a DPO job fails. */
const UNFIT = { method: { dpo: {} } };

it.each(Object.entries(ALLOWED))(
  'a %s job allows the actions of its viewerCan fields, once also when requested twice at once; others are conflicts',
  async (status, allowed) => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway({
      CACHE_ACTIVE_MS: '0',
      CACHE_SETTLED_MS: '0',
      RATE_LIMIT_PER_MINUTE: '0',
    });
    for (const action of ['Cancel', 'Pause', 'Resume'] as const) {
      const success = { __typename: `${action}FineTuningJobSuccess` };
      const conflict = { __typename: 'ConflictError', code: 'CONFLICT' };
      const isAllowed = allowed.includes(action);
      const once = await jobIn(status, world, gateway);
      const { data } = await gateway.query(`{ fineTuningJob(id: "${once}") { viewerCan${action} } }`);
      expect(data).toEqual({ fineTuningJob: { [`viewerCan${action}`]: isAllowed } });
      expect(await control(gateway, action, once)).toMatchObject(isAllowed ? success : { ...conflict, status });
      const twice = await jobIn(status, world, gateway);
      const outcomes = await Promise.all([control(gateway, action, twice), control(gateway, action, twice)]);
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
