import { askGraph, toQuestion } from './ask.ts';

export interface Reading {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Called with how many were read so far. */
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

/** Enough for what every query takes once: compiled code, sockets. */
const WARM_UPS = 300;
/** How many logs are read at a time. */
const READERS = 8;

/** Asks small questions, so that what is measured thereafter is not what any gateway takes. */
export async function warmUp(url: string): Promise<void> {
  const query =
    '{ fineTuningJobs(first: 1, filter: { suffix: null }) { edges { node { id events(first: 1) { edges { node { id } } } } } } }';
  for (let count = 0; count < WARM_UPS; count++) await askFor(url, query, {});
}

/** Looks through all jobs for the few with one suffix. Gives how many were looked at, and how many found. */
export async function scanAllJobs({ url, signal, progress }: Reading): Promise<{ scanned: number; found: number }> {
  let [scanned, found] = [0, 0];
  for (let after: string | null = null, hasMore = true; hasMore; ) {
    signal.throwIfAborted();
    const { fineTuningJobs: page }: JobsData = await askFor(url, SCAN, { after });
    scanned += page.scannedCount;
    found += page.edges.length;
    ({ endCursor: after, hasNextPage: hasMore } = page.pageInfo);
    progress(scanned);
  }
  return { scanned, found };
}

/** Reads the whole logs of the newest jobs, a page at a time. Gives how many events they have. */
export async function readLogs({ url, signal, progress }: Reading, count: number): Promise<number> {
  const ids = await newestIds(url, count);
  let [begun, done, events] = [0, 0, 0];
  const reader = async () => {
    for (let id = ids[begun++]; id !== undefined; id = ids[begun++]) {
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
    const data: LogData = await askFor(url, LOG, { id, after });
    const { edges, pageInfo } = data.fineTuningJob.events;
    events += edges.length;
    ({ endCursor: after, hasNextPage: hasMore } = pageInfo);
  }
  return events;
}

async function newestIds(url: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null, hasMore = true; hasMore && ids.length < count; ) {
    const { fineTuningJobs: page }: JobsData = await askFor(url, IDS, { after });
    ids.push(...page.edges.map(({ node }) => node.id));
    ({ endCursor: after, hasNextPage: hasMore } = page.pageInfo);
  }
  return ids.slice(0, count);
}

async function askFor<T>(url: string, query: string, variables: object): Promise<T> {
  const answer = JSON.parse(await askGraph(url, toQuestion(query, variables)));
  if (!answer.data || answer.errors) throw new Error(`The gateway fails: ${JSON.stringify(answer).slice(0, 1_000)}`);
  return answer.data as T; // In the form of the query.
}
