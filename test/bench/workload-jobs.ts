import { toRequestBody } from './http-client.ts';
import type { Query, QuerySet, Sources } from './query-set.ts';
import { allRestJobs, jobCursors, type RestJob, restJobs } from './rest.ts';

const SCALARS = 'id status modelId createdAt finishedAt fineTunedModelId trainedTokens seed';
const PAGE = 100;
const CURSORS = 53;
const STEP = 7;

/** One job by its id. */
export async function oneJob({ stubUrl }: Sources): Promise<QuerySet> {
  const query = `query OneJob($id: ID!) { fineTuningJob(id: $id) { ${SCALARS} } }`;
  const jobs = await allRestJobs(stubUrl);
  const queries = jobs.map((job) => ({
    body: toRequestBody(query, { id: job.id }),
    data: { fineTuningJob: toNode(job) },
  }));
  return { description: `one job by id, 8 scalars; ${queries.length} ids rotate`, queries };
}

/** A page of maximum size. */
export async function jobPage({ stubUrl, gatewayUrl }: Sources): Promise<QuerySet> {
  const query = `query JobPage($after: String) { fineTuningJobs(first: ${PAGE}, after: $after) { edges { node { ${SCALARS} } } } }`;
  const queries: Query[] = [];
  for (const { cursor, node } of await jobCursors(gatewayUrl, CURSORS, STEP)) {
    const { data } = await restJobs(stubUrl, PAGE, node.id);
    queries.push({
      body: toRequestBody(query, { after: cursor }),
      data: { fineTuningJobs: { edges: data.map((job) => ({ node: toNode(job) })) } },
    });
  }
  return { description: `a page of ${PAGE} jobs, 8 scalars each; ${queries.length} cursors rotate`, queries };
}

function toNode(job: RestJob) {
  return {
    id: job.id,
    status: job.status.toUpperCase(),
    modelId: job.model,
    createdAt: job.created_at,
    finishedAt: job.finished_at,
    fineTunedModelId: job.fine_tuned_model,
    trainedTokens: job.trained_tokens,
    seed: job.seed,
  };
}
