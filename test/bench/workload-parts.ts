import { toRequestBody } from './http-client.ts';
import type { Query, QuerySet, Sources } from './query-set.ts';
import { allRestJobs, FILE, jobCursors, type RestJob, restFile, restJobs, restParts } from './rest.ts';

const PAGE = 20;
const CURSORS = 101;
const STEP = 3;

/** A page of jobs, each with its training file. Neighbors share files, so that there are 7 or 8. */
export async function pageFiles({ stubUrl, gatewayUrl }: Sources): Promise<QuerySet> {
  const query = `query PageFiles($after: String) { fineTuningJobs(first: ${PAGE}, after: $after) { edges { node { id status trainingFile { ${FILE} } } } } }`;
  const queries: Query[] = [];
  for (const { cursor, node } of await jobCursors(gatewayUrl, CURSORS, STEP)) {
    const { data } = await restJobs(stubUrl, PAGE, node.id);
    const nodes = data.map(async ({ id, status, training_file }) => ({
      node: { id, status: status.toUpperCase(), trainingFile: await restFile(stubUrl, training_file) },
    }));
    queries.push({
      body: toRequestBody(query, { after: cursor }),
      data: { fineTuningJobs: { edges: await Promise.all(nodes) } },
    });
  }
  return { description: `${PAGE} jobs, each with its training file; ${queries.length} cursors rotate`, queries };
}

/** One job with its events, checkpoints and files. */
export async function richJob({ stubUrl }: Sources): Promise<QuerySet> {
  const query = `query RichJob($id: ID!) { fineTuningJob(id: $id) {
    id status
    events(first: 20) { edges { node { id createdAt level message } } }
    checkpoints { edges { node { id stepNumber fineTunedModelId } } }
    trainingFile { ${FILE} } validationFile { ${FILE} }
  } }`;
  const jobs = (await allRestJobs(stubUrl)).filter((job) => job.status === 'succeeded' && job.validation_file !== null);
  const queries: Query[] = [];
  for (const job of jobs) {
    queries.push({
      body: toRequestBody(query, { id: job.id }),
      data: { fineTuningJob: await toRichNode(stubUrl, job) },
    });
  }
  return {
    description: `one job with 20 events, its checkpoints and 2 files; ${queries.length} ids rotate`,
    queries,
  };
}

async function toRichNode(stubUrl: string, { id, status, training_file, validation_file }: RestJob) {
  const url = `${stubUrl}/fine_tuning/jobs/${id}`;
  const [events, checkpoints, trainingFile, validationFile] = await Promise.all([
    restParts(`${url}/events?limit=20`, toEventNode),
    restParts(`${url}/checkpoints?limit=10`, toCheckpointNode),
    restFile(stubUrl, training_file),
    restFile(stubUrl, validation_file),
  ]);
  return { id, status: status.toUpperCase(), events, checkpoints, trainingFile, validationFile };
}

function toEventNode(event: { id: string; created_at: number; level: string; message: string }) {
  const { id, created_at: createdAt, level, message } = event;
  return { id, createdAt, level: level.toUpperCase(), message };
}

function toCheckpointNode(checkpoint: { id: string; step_number: number; fine_tuned_model_checkpoint: string }) {
  const { id, step_number: stepNumber, fine_tuned_model_checkpoint: fineTunedModelId } = checkpoint;
  return { id, stepNumber, fineTunedModelId };
}
