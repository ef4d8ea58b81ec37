import { describe, expect, it } from 'vitest';
import { trainingLines } from '../kit/client/upload.ts';
import { startGateway } from '../kit/gateway/gateway.ts';
import { cancelJob, createJob } from './graphql-request-job.ts';

const MODEL = 'gpt-4.1-mini';
const fileOf = (content: string) => new Blob([content]);

describe('graphql-request, with the sample of the README', () => {
  it('uploads a file, creates a job and cancels it', async () => {
    await using gateway = await startGateway();
    const job = await createJob(gateway.url, fileOf(trainingLines(12)), MODEL, 'once');
    expect(job).toMatchObject({ id: expect.stringMatching(/^ftjob-/), status: 'VALIDATING_FILES' });
    expect(await cancelJob(gateway.url, job.id)).toEqual({ id: job.id, status: 'CANCELLED' });
    await expect(cancelJob(gateway.url, job.id)).rejects.toThrow(
      'A job with the status cancelled cannot be cancelled; expected a job that has not ended.',
    );
  });

  it('throws the reason why the file, the input or the job is not accepted', async () => {
    await using gateway = await startGateway();
    await expect(createJob(gateway.url, fileOf('no JSON\n'), MODEL, 'once')).rejects.toThrow(/^line 1: /m);
    await expect(createJob(gateway.url, fileOf(trainingLines(12)), '', 'once')).rejects.toThrow(/^modelId: /m);
    await expect(createJob(gateway.url, fileOf(trainingLines(12)), 'none', 'once')).rejects.toThrow('not available');
  });
});
