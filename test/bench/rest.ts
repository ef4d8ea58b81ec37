import { askGraph, askRest, toQuestion } from './ask.ts';

// What the stub says in its own words, and where the gateway's pages of it begin.

export interface RestJob {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly fine_tuned_model: string | null;
  readonly trained_tokens: number | null;
  readonly seed: number;
  readonly training_file: string;
  readonly validation_file: string | null;
}

interface RestPage<T> {
  readonly data: T[];
  readonly has_more: boolean;
}

/** The jobs that follow one, or the newest. */
export async function restJobs(stubUrl: string, limit: number, after?: string): Promise<RestPage<RestJob>> {
  return askRest(`${stubUrl}/fine_tuning/jobs?limit=${limit}${after === undefined ? '' : `&after=${after}`}`);
}

/** Every job, newest first. */
export async function allRestJobs(stubUrl: string): Promise<RestJob[]> {
  const jobs: RestJob[] = [];
  for (let hasMore = true; hasMore; ) {
    const page = await restJobs(stubUrl, 100, jobs.at(-1)?.id);
    jobs.push(...page.data);
    hasMore = page.has_more;
  }
  return jobs;
}

/** What every workload shows of a file. */
export const FILE = 'id filename bytes';

export async function restFile(stubUrl: string, fileId: string | null) {
  if (fileId === null) return null;
  const { id, filename, bytes } = await askRest<{ id: string; filename: string; bytes: number }>(
    `${stubUrl}/files/${fileId}`,
  );
  return { id, filename, bytes };
}

/** One page of a job's events or checkpoints, each made into what the graph shows. */
export async function restParts<T>(url: string, toNode: (part: T) => object): Promise<{ edges: { node: object }[] }> {
  const { data } = await askRest<RestPage<T>>(url);
  return { edges: data.map((part) => ({ node: toNode(part) })) };
}

interface Edge {
  readonly cursor: string;
  readonly node: { readonly id: string };
}

/** Cursors of the list of jobs, with the job of each: every `step`th. Only the gateway knows what they look like. */
export async function jobCursors(gatewayUrl: string, count: number, step: number): Promise<Edge[]> {
  const query = 'query($after: String) { fineTuningJobs(first: 100, after: $after) { edges { cursor node { id } } } }';
  const edges: Edge[] = [];
  while (edges.length < count * step) {
    const answer = await askGraph(gatewayUrl, toQuestion(query, { after: edges.at(-1)?.cursor ?? null }));
    edges.push(...JSON.parse(answer).data.fineTuningJobs.edges);
  }
  return edges.filter((_, index) => index % step === 0).slice(0, count);
}
