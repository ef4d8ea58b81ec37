import { post } from '../../kit/client/post.ts';
import { create } from '../../kit/mutation/create-job.ts';

interface OldJob {
  readonly status: string;
  readonly trainingFile: { readonly id: string; readonly bytes: number } | null;
  readonly method: { readonly rawType: string };
}

/** Creates a job on the sandbox, with the smallest file of another one. */
export async function createJob(graphUrl: string): Promise<string> {
  const query = '{ fineTuningJobs(first: 50) { nodes { status trainingFile { id bytes } method { rawType } } } }';
  const { body } = await post(graphUrl, { query });
  const nodes: OldJob[] = Object(body.data)['fineTuningJobs'].nodes;
  const [file] = nodes
    .filter(({ status, method }) => status === 'SUCCEEDED' && method.rawType === 'supervised')
    .flatMap(({ trainingFile }) => trainingFile ?? [])
    .sort((a, b) => a.bytes - b.bytes);
  const method = { supervised: { hyperparameters: { nEpochs: 1 } } };
  const input = { modelId: 'gpt-4.1-mini-2025-04-14', trainingFileId: file?.id, method, suffix: 'fresh' };
  return (await create({ url: graphUrl }, input)).fineTuningJob?.id ?? '';
}
