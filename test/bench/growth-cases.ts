import { toRequestBody } from './http-client.ts';
import type { Query } from './query-set.ts';
import { allRestJobs, jobCursors, restJobs } from './rest.ts';

/** Queries of one size. */
export interface GrowthCase {
  /** The measure that grows, such as `jobs per page`. */
  readonly measure: string;
  readonly size: number;
  /** With an empty cache. */
  readonly misses: readonly Query[];
  /** With a full cache, where the data differs then. */
  readonly hits?: readonly Query[];
}

/** Different queries per case, so that concurrent ones share nothing. */
const QUERIES = 53;
const LOG_QUERIES = 7;
/** Maximum steps of a curve that one query reads: 20 pages of 100 events, of which one event is the end of the log. */
const STEPS_PER_QUERY = 1_999;

/** The queries of all cases, with their expected responses. */
export async function growthCases(stubUrl: string, gatewayUrl: string): Promise<GrowthCase[]> {
  const cases: GrowthCase[] = [];
  for (const size of [1, 20, 100])
    cases.push({ measure: 'jobs per page', size, misses: await pages(stubUrl, gatewayUrl, size) });
  for (const size of [1, 10]) cases.push({ measure: 'aliases per query', size, misses: await aliases(stubUrl, size) });
  for (const size of [1, 10, 100])
    cases.push({ measure: 'kB of the body of a job', size, misses: bodies(size * 1_000) });
  for (const size of [100, 1_000, 10_000]) {
    const [misses, hits] = [curves(size, Math.min(size, STEPS_PER_QUERY)), curves(size, size)];
    cases.push({ measure: 'steps in an event log', size, misses, hits });
  }
  return cases;
}

async function pages(stubUrl: string, gatewayUrl: string, size: number): Promise<Query[]> {
  const query = `query ($after: String) { fineTuningJobs(first: ${size}, after: $after) { edges { node { id seed } } } }`;
  const edges = await jobCursors(gatewayUrl, QUERIES, 7);
  return Promise.all(
    edges.map(async ({ cursor, node }) => {
      const { data } = await restJobs(stubUrl, size, node.id);
      return {
        body: toRequestBody(query, { after: cursor }),
        data: { fineTuningJobs: { edges: data.map(({ id, seed }) => ({ node: { id, seed } })) } },
      };
    }),
  );
}

async function aliases(stubUrl: string, size: number): Promise<Query[]> {
  const jobs = (await allRestJobs(stubUrl)).slice(0, QUERIES * size);
  const indexes = Array.from({ length: size }, (_, index) => index);
  const query = `query (${indexes.map((index) => `$id${index}: ID!`)}) { ${indexes
    .map((index) => `job${index}: fineTuningJob(id: $id${index}) { id seed }`)
    .join(' ')} }`;
  return Array.from({ length: Math.floor(jobs.length / size) }, (_, number) => {
    const chosen = jobs.slice(number * size, (number + 1) * size);
    return {
      body: toRequestBody(query, Object.fromEntries(chosen.map(({ id }, index) => [`id${index}`, id]))),
      data: Object.fromEntries(chosen.map(({ id, seed }, index) => [`job${index}`, { id, seed }])),
    };
  });
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

function bodies(bytes: number): Query[] {
  const query = 'query ($id: ID!) { fineTuningJob(id: $id) { id status } }';
  return numbers(QUERIES).map((number) => {
    const id = `ftjob-body-${bytes}-${number}`;
    return { body: toRequestBody(query, { id }), data: { fineTuningJob: { id, status: 'RUNNING' } } };
  });
}

function curves(steps: number, totalPoints: number): Query[] {
  const query = 'query ($id: ID!) { fineTuningJob(id: $id) { id metrics { totalPoints } } }';
  return numbers(LOG_QUERIES).map((number) => {
    const id = `ftjob-log-${steps}-${number}`;
    return { body: toRequestBody(query, { id }), data: { fineTuningJob: { id, metrics: { totalPoints } } } };
  });
}
