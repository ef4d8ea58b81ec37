import { describe, expect, it } from 'vitest';
import { cancelJob, createJob, uploadTrainingFile } from '../../docs/examples/graphql-request-job.ts';
import { trainingLines } from '../kit/client/upload.ts';
import { startGateway } from '../kit/gateway/gateway.ts';

const MODEL = 'gpt-4.1-mini';

const upload = (url: string, content: string) => uploadTrainingFile(url, new Blob([content]), 'train.jsonl');

describe('graphql-request, with the sample of the documentation', () => {
  it('uploads a file, creates a job once however often it retries, and cancels it', async () => {
    await using gateway = await startGateway();
    const trainingFileId = await upload(gateway.url, trainingLines(12));
    const input = { modelId: MODEL, trainingFileId, idempotencyKey: 'once' };
    const job = await createJob(gateway.url, input);
    expect(job).toMatchObject({ id: expect.stringMatching(/^ftjob-/), status: 'VALIDATING_FILES' });
    expect(await createJob(gateway.url, input)).toMatchObject({ id: job.id });
    expect(await cancelJob(gateway.url, job.id)).toEqual({ id: job.id, status: 'CANCELLED' });
    await expect(cancelJob(gateway.url, job.id)).rejects.toThrow(
      'jobId: the job has the status cancelled and cannot be cancelled; expected a job that has not ended.',
    );
  });

  it('throws the reason why the file, the input or the job is not accepted', async () => {
    await using gateway = await startGateway();
    await expect(upload(gateway.url, 'no JSON\n')).rejects.toThrow(/^line 1: /m);
    const trainingFileId = await upload(gateway.url, trainingLines(12));
    const create = (modelId: string) => createJob(gateway.url, { modelId, trainingFileId, idempotencyKey: 'once' });
    await expect(create('')).rejects.toThrow(/^modelId: /m);
    await expect(create('none')).rejects.toThrow('not available');
  });
});
