import { postGraphql, toRequestBody } from './http-client.ts';

export interface ReadOptions {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Called with the number of items so far. */
  readonly progress: (count: number) => void;
}

interface Page {
  readonly edges: readonly { node: { id: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface JobsData {
  readonly fineTuningJobs: Page & { readonly scannedCount: number };
}
interface LogData {
  readonly fineTuningJob: { readonly events: Page };
}

const PAGE_INFO = 'pageInfo { hasNextPage endCursor }';
const SCAN = `query($after: String) {
  fineTuningJobs(first: 100, after: $after, filter: { suffix: "rare" }) { scannedCount edges { node { id status } } ${PAGE_INFO} }
}`;
const IDS = `query($after: String) { fineTuningJobs(first: 100, after: $after) { scannedCount edges { node { id } } ${PAGE_INFO} } }`;
const LOG = `query($id: ID!, $after: String) {
  fineTuningJob(id: $id) { events(first: 100, after: $after) { edges { node { id createdAt message data } } ${PAGE_INFO} } }
}`;

/** Enough for one-time costs: compiled code, sockets. */
const WARM_UPS = 300;
/** Number of logs that are read concurrently. */
const READERS = 8;

/** Sends small queries, so that one-time costs are not measured later. */
export async function warmUp(url: string): Promise<void> {
  const document =
    '{ fineTuningJobs(first: 1, filter: { suffix: null }) { edges { node { id events(first: 1) { edges { node { id } } } } } } }';
  for (let count = 0; count < WARM_UPS; count++) await query(url, document, {});
}

/** Reads all jobs with a filter for a rare suffix. Resolves to the number of jobs read and found. */
export async function scanAllJobs({ url, signal, progress }: ReadOptions): Promise<{ scanned: number; found: number }> {
  let [scanned, found] = [0, 0];
  for (let after: string | null = null, hasMore = true; hasMore; ) {
    signal.throwIfAborted();
    const { fineTuningJobs: page }: JobsData = await query(url, SCAN, { after });
    scanned += page.scannedCount;
    found += page.edges.length;
    ({ endCursor: after, hasNextPage: hasMore } = page.pageInfo);
    progress(scanned);
  }
  return { scanned, found };
}

/** Reads the whole event logs of the newest jobs, page by page. Resolves to their number of events. */
export async function readLogs({ url, signal, progress }: ReadOptions, count: number): Promise<number> {
  const ids = await newestIds(url, count);
  let [started, done, events] = [0, 0, 0];
  const reader = async () => {
    for (let id = ids[started++]; id !== undefined; id = ids[started++]) {
      signal.throwIfAborted();
      const length = await readLog(url, id);
      events += length;
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return events;
}

async function readLog(url: string, id: string): Promise<number> {
  let events = 0;
  for (let after: string | null = null, hasMore = true; hasMore; ) {
    const data: LogData = await query(url, LOG, { id, after });
    const { edges, pageInfo } = data.fineTuningJob.events;
    events += edges.length;
    ({ endCursor: after, hasNextPage: hasMore } = pageInfo);
  }
  return events;
}

async function newestIds(url: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null, hasMore = true; hasMore && ids.length < count; ) {
    const { fineTuningJobs: page }: JobsData = await query(url, IDS, { after });
    ids.push(...page.edges.map(({ node }) => node.id));
    ({ endCursor: after, hasNextPage: hasMore } = page.pageInfo);
  }
  return ids.slice(0, count);
}

async function query<T>(url: string, document: string, variables: object): Promise<T> {
  const result = JSON.parse(await postGraphql(url, toRequestBody(document, variables)));
  if (!result.data || result.errors) throw new Error(`The gateway failed: ${JSON.stringify(result).slice(0, 1_000)}`);
  return result.data as T; // Of the document's shape.
}
