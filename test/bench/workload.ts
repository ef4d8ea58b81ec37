import type { QuerySet, Sources } from './query-set.ts';
import { jobPage, oneJob } from './workload-jobs.ts';
import { pageFiles, richJob } from './workload-parts.ts';

/** Queries that are sent in rotation, with their load. */
export interface Workload extends QuerySet {
  readonly name: WorkloadName;
  /** Number of concurrent connections. */
  readonly connections: number;
  /** Delay of each upstream response. */
  readonly latencyMs: number;
}

interface Plan {
  readonly createQueries: (sources: Sources) => Promise<QuerySet>;
  readonly connections: number;
  readonly latencyMs: number;
}

const BUSY = { connections: 32, latencyMs: 0 };

const plans = {
  W1: { createQueries: oneJob, ...BUSY },
  W2: { createQueries: pageFiles, ...BUSY },
  W3: { createQueries: jobPage, ...BUSY },
  W4: { createQueries: richJob, ...BUSY },
  W5: { createQueries: async (sources) => onlyFirst(await pageFiles(sources)), connections: 100, latencyMs: 20 },
  W6: { createQueries: richJob, connections: 32, latencyMs: 20 },
} satisfies Record<string, Plan>;

export type WorkloadName = keyof typeof plans;
export const workloadNames = Object.keys(plans) as WorkloadName[]; // Its own keys.

/** Reads the variables of the queries and their expected responses. */
export async function createWorkload(name: WorkloadName, sources: Sources): Promise<Workload> {
  const { createQueries, ...load }: Plan = plans[name];
  return { name, ...load, ...(await createQueries(sources)) };
}

function onlyFirst({ description, queries }: QuerySet): QuerySet {
  return { description: `${description.split(';')[0]}; all clients send the same query`, queries: queries.slice(0, 1) };
}
