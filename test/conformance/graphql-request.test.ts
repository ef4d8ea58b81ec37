import { describe, expect, it } from 'vitest';
import { trainingLines } from '../kit/client/upload.ts';
import { startGateway } from '../kit/gateway/gateway.ts';
import { cancelJob, startJob } from './graphql-request-job.ts';

const MODEL = 'gpt-4.1-mini';
const fileOf = (content: string) => new Blob([content]);

describe('graphql-request', () => {
  it('starts a job on a file that it brings, and cancels it', async () => {
    await using gateway = await startGateway();
    const job = await startJob(gateway.url, fileOf(trainingLines(12)), MODEL, 'once');
    expect(job).toMatchObject({ id: expect.stringMatching(/^ftjob-/), status: 'VALIDATING_FILES' });
    expect(await cancelJob(gateway.url, job.id)).toEqual({ id: job.id, status: 'CANCELLED' });
    await expect(cancelJob(gateway.url, job.id)).rejects.toThrow('cannot be cancelled');
  });

  it('is told what is wrong with the file, and with the job', async () => {
    await using gateway = await startGateway();
    await expect(startJob(gateway.url, fileOf('no JSON\n'), MODEL, 'once')).rejects.toThrow('"line":1');
    await expect(startJob(gateway.url, fileOf(trainingLines(12)), 'none', 'once')).rejects.toThrow('not available');
  });
});
