import { askGraph, askRest, toQuestion } from './ask.ts';

/** What is asked again and again, with other variables each time. */
export interface Workload {
  readonly name: WorkloadName;
  readonly what: string;
  readonly queries: readonly Query[];
}

export interface Query {
  /** The body of the request. */
  readonly question: string;
  /** The `data` of the right answer, by the stub's own words. */
  readonly data: unknown;
}

/** Where the parts of a workload come from: the stub, and any gateway before it. */
export interface Sources {
  readonly stubUrl: string;
  readonly gatewayUrl: string;
}

export const workloadNames = ['W1', 'W3'] as const;
export type WorkloadName = (typeof workloadNames)[number];

/** Reads what the queries need and what their answers have to be. */
export async function createWorkload(name: WorkloadName, sources: Sources): Promise<Workload> {
  return { name, ...(await makers[name](sources)) };
}

const makers = { W1: oneJob, W3: pageOfJobs } satisfies Record<WorkloadName, unknown>;

const SCALARS = 'id status modelId createdAt finishedAt fineTunedModelId trainedTokens seed';
const PAGE = 100;
const CURSORS = 53;
const STEP = 7;

async function oneJob({ stubUrl }: Sources) {
  const query = `query W1($id: ID!) { fineTuningJob(id: $id) { ${SCALARS} } }`;
  const jobs: RestJob[] = [];
  for (let hasMore = true; hasMore; ) {
    const page = await restPage(stubUrl, jobs.at(-1)?.id);
    jobs.push(...page.data);
    hasMore = page.has_more;
  }
  const queries = jobs.map((job) => ({
    question: toQuestion(query, { id: job.id }),
    data: { fineTuningJob: toNode(job) },
  }));
  return { what: `one job by id, 8 scalars; ${queries.length} ids rotate`, queries };
}

async function pageOfJobs({ stubUrl, gatewayUrl }: Sources) {
  const query = `query W3($after: String) { fineTuningJobs(first: ${PAGE}, after: $after) { edges { node { ${SCALARS} } } } }`;
  const queries: Query[] = [];
  for (const { cursor, node } of await cursors(gatewayUrl)) {
    const { data } = await restPage(stubUrl, node.id);
    queries.push({
      question: toQuestion(query, { after: cursor }),
      data: { fineTuningJobs: { edges: data.map((job) => ({ node: toNode(job) })) } },
    });
  }
  return { what: `a page of ${PAGE} jobs, 8 scalars each; ${queries.length} cursors rotate`, queries };
}

interface RestJob {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly fine_tuned_model: string | null;
  readonly trained_tokens: number | null;
  readonly seed: number;
}

function restPage(stubUrl: string, after?: string): Promise<{ data: RestJob[]; has_more: boolean }> {
  return askRest(`${stubUrl}/fine_tuning/jobs?limit=${PAGE}${after === undefined ? '' : `&after=${after}`}`);
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

interface Edge {
  readonly cursor: string;
  readonly node: { readonly id: string };
}

// Only the gateway knows what its cursors look like.
async function cursors(gatewayUrl: string): Promise<Edge[]> {
  const query = `query($after: String) { fineTuningJobs(first: ${PAGE}, after: $after) { edges { cursor node { id } } } }`;
  const edges: Edge[] = [];
  while (edges.length < CURSORS * STEP) {
    const answer = await askGraph(gatewayUrl, toQuestion(query, { after: edges.at(-1)?.cursor ?? null }));
    edges.push(...JSON.parse(answer).data.fineTuningJobs.edges);
  }
  return edges.filter((_, index) => index % STEP === 0).slice(0, CURSORS);
}
