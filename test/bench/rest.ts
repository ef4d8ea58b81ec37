import { getJson, postGraphql, toRequestBody } from './http-client.ts';

// The stub's own data, and cursors of the gateway's pages of it.

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

/** A page of jobs after a job, or of the newest. */
export async function restJobs(stubUrl: string, limit: number, after?: string): Promise<RestPage<RestJob>> {
  return getJson(`${stubUrl}/fine_tuning/jobs?limit=${limit}${after === undefined ? '' : `&after=${after}`}`);
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

/** The fields of a file in all workloads. */
export const FILE = 'id filename bytes';

export async function restFile(stubUrl: string, fileId: string | null): Promise<RestFile | null> {
  if (fileId === null) return null;
  const url = `${stubUrl}/files/${fileId}`;
  const read = files.get(url) ?? getJson<RestFile>(url);
  files.set(url, read);
  const { id, filename, bytes } = await read;
  return { id, filename, bytes };
}

interface RestFile {
  readonly id: string;
  readonly filename: string;
  readonly bytes: number;
}

/** By URL. The stub's files are constant, and many jobs share them. */
const files = new Map<string, Promise<RestFile>>();

/** A page of a job's events or checkpoints, as the graph returns it. */
export async function restParts<T>(url: string, toNode: (part: T) => object): Promise<{ edges: { node: object }[] }> {
  const { data } = await getJson<RestPage<T>>(url);
  return { edges: data.map((part) => ({ node: toNode(part) })) };
}

interface Edge {
  readonly cursor: string;
  readonly node: { readonly id: string };
}

/** Every `step`th cursor of the list of jobs, with its job. Cursors come from the gateway, because they are opaque. */
export async function jobCursors(gatewayUrl: string, count: number, step: number): Promise<Edge[]> {
  const query = 'query($after: String) { fineTuningJobs(first: 100, after: $after) { edges { cursor node { id } } } }';
  const edges: Edge[] = [];
  while (edges.length < count * step) {
    const response = await postGraphql(gatewayUrl, toRequestBody(query, { after: edges.at(-1)?.cursor ?? null }));
    edges.push(...JSON.parse(response).data.fineTuningJobs.edges);
  }
  return edges.filter((_, index) => index % step === 0).slice(0, count);
}
