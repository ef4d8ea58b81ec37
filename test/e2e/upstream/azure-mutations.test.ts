import { describe, expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { create, idOf } from '../../kit/mutation/create-job.ts';

/** Its outcome, without errors. */
async function change(gateway: TestGateway, mutation: string): Promise<Record<string, unknown>> {
  const { data, errors } = await gateway.query(`mutation { ${mutation} }`);
  expect(errors).toBeUndefined();
  return Object(Object.values(data ?? {})[0]);
}

const steer = (gateway: TestGateway, what: 'Cancel' | 'Pause' | 'Resume', id: string) =>
  change(
    gateway,
    `${what.toLowerCase()}FineTuningJob(input: { jobId: "${id}" }) {
      __typename ... on ${what}FineTuningJobSuccess { fineTuningJob { status } } ... on ConflictError { status }
    }`,
  );

describe('before Azure', () => {
  it('a file is uploaded, a job started, paused, resumed and cancelled, and the file deleted', async () => {
    const clock = createTestClock();
    await using gateway = await startGateway({ SANDBOX_DIALECT: 'azure' }, clock);
    const { outcome } = await upload(gateway.url, trainingLines(20));
    expect(outcome).toMatchObject({ __typename: 'UploadFileSuccess', file: { filename: 'train.jsonl' } });
    const fileId = String(Object(outcome?.['file']).id);
    const input = { modelId: 'gpt-4o-mini', trainingFileId: fileId, extra: { trainingType: 'Standard' } };
    const id = String(idOf(await create(gateway, { ...input, idempotencyKey: 'k' })));
    expect(id).toMatch(/^ftjob-/);
    expect(idOf(await create(gateway, { ...input, idempotencyKey: 'k' }))).toBe(id);

    const until = async (wanted: string) => {
      const status = async () =>
        Object((await gateway.query(`{ fineTuningJob(id: "${id}") { status } }`)).data).fineTuningJob.status;
      while ((await status()) !== wanted) clock.advance(5000);
    };
    await until('RUNNING');
    expect(await steer(gateway, 'Pause', id)).toMatchObject({ __typename: 'PauseFineTuningJobSuccess' });
    expect(await steer(gateway, 'Resume', id)).toEqual({ __typename: 'ConflictError', status: 'PAUSING' });
    await until('PAUSED');
    expect(await steer(gateway, 'Resume', id)).toMatchObject({ __typename: 'ResumeFineTuningJobSuccess' });
    await until('RUNNING');
    expect(await steer(gateway, 'Cancel', id)).toEqual({
      __typename: 'CancelFineTuningJobSuccess',
      fineTuningJob: { status: 'CANCELLING' },
    });
    await until('CANCELLED');

    const remove = `deleteFile(input: { fileId: "${fileId}" }) {
      __typename ... on DeleteFileSuccess { deletedFileId }
    }`;
    expect(await change(gateway, remove)).toEqual({ __typename: 'DeleteFileSuccess', deletedFileId: fileId });
    expect(await change(gateway, remove)).toEqual({ __typename: 'NotFoundError' });
  });
});
