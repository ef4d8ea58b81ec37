import { describe, expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { create, idOf } from '../../kit/mutation/create-job.ts';

/** The outcome of a mutation, which must have no errors. */
async function mutate(gateway: TestGateway, mutation: string): Promise<Record<string, unknown>> {
  const { data, errors } = await gateway.query(`mutation { ${mutation} }`);
  expect(errors).toBeUndefined();
  return Object(Object.values(data ?? {})[0]);
}

const control = (gateway: TestGateway, action: 'Cancel' | 'Pause' | 'Resume', id: string) =>
  mutate(
    gateway,
    `${action.toLowerCase()}FineTuningJob(input: { jobId: "${id}" }) {
      __typename ... on ${action}FineTuningJobSuccess { fineTuningJob { status } } ... on ConflictError { status }
    }`,
  );

describe('with Azure as the upstream', () => {
  it('a file can be uploaded and deleted, and a job created, paused, resumed and cancelled', async () => {
    const clock = createTestClock();
    await using gateway = await startGateway({ SANDBOX_DIALECT: 'azure' }, clock);
    const { outcome } = await upload(gateway.url, trainingLines(20));
    expect(outcome).toMatchObject({ __typename: 'UploadFileSuccess', file: { filename: 'train.jsonl' } });
    const fileId = String(Object(outcome?.['file']).id);
    const input = { modelId: 'gpt-4o-mini', trainingFileId: fileId, extra: { trainingType: 'Standard' } };
    const id = String(idOf(await create(gateway, { ...input, idempotencyKey: 'k' })));
    expect(id).toMatch(/^ftjob-/);
    expect(idOf(await create(gateway, { ...input, idempotencyKey: 'k' }))).toBe(id);

    const advanceTo = async (expected: string) => {
      const status = async () =>
        Object((await gateway.query(`{ fineTuningJob(id: "${id}") { status } }`)).data).fineTuningJob.status;
      while ((await status()) !== expected) clock.advance(5000);
    };
    await advanceTo('RUNNING');
    expect(await control(gateway, 'Pause', id)).toMatchObject({ __typename: 'PauseFineTuningJobSuccess' });
    expect(await control(gateway, 'Resume', id)).toEqual({ __typename: 'ConflictError', status: 'PAUSING' });
    await advanceTo('PAUSED');
    expect(await control(gateway, 'Resume', id)).toMatchObject({ __typename: 'ResumeFineTuningJobSuccess' });
    await advanceTo('RUNNING');
    expect(await control(gateway, 'Cancel', id)).toEqual({
      __typename: 'CancelFineTuningJobSuccess',
      fineTuningJob: { status: 'CANCELLING' },
    });
    await advanceTo('CANCELLED');

    const remove = `deleteFile(input: { fileId: "${fileId}" }) {
      __typename ... on DeleteFileSuccess { deletedFileId }
    }`;
    expect(await mutate(gateway, remove)).toEqual({ __typename: 'DeleteFileSuccess', deletedFileId: fileId });
    expect(await mutate(gateway, remove)).toEqual({ __typename: 'NotFoundError' });
  });
});
