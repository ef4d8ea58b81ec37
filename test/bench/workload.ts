import type { Draft, Sources } from './draft.ts';
import { jobPage, oneJob } from './workload-jobs.ts';
import { pageFiles, richJob } from './workload-parts.ts';

/** What is asked again and again, with other variables each time. */
export interface Workload extends Draft {
  readonly name: WorkloadName;
  /** How many clients ask at a time. */
  readonly connections: number;
  /** How long the upstream takes for each answer. */
  readonly latencyMs: number;
}

interface Plan {
  readonly draft: (sources: Sources) => Promise<Draft>;
  readonly connections: number;
  readonly latencyMs: number;
}

const BUSY = { connections: 32, latencyMs: 0 };

const plans = {
  W1: { draft: oneJob, ...BUSY },
  W2: { draft: pageFiles, ...BUSY },
  W3: { draft: jobPage, ...BUSY },
  W4: { draft: richJob, ...BUSY },
  W5: { draft: async (sources) => onlyFirst(await pageFiles(sources)), connections: 100, latencyMs: 20 },
  W6: { draft: richJob, connections: 32, latencyMs: 20 },
} satisfies Record<string, Plan>;

export type WorkloadName = keyof typeof plans;
export const workloadNames = Object.keys(plans) as WorkloadName[]; // TypeScript knows the keys of no object.

/** Reads what the queries need and what their answers have to be. */
export async function createWorkload(name: WorkloadName, sources: Sources): Promise<Workload> {
  const { draft, ...how }: Plan = plans[name];
  return { name, ...how, ...(await draft(sources)) };
}

function onlyFirst({ what, queries }: Draft): Draft {
  return { what: `${what.split(';')[0]}; everybody asks the same`, queries: queries.slice(0, 1) };
}
