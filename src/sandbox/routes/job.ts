import { unknownCheckpoint, unknownEvent, unknownJob } from '../api/api-error.ts';
import { itemsAfter, listBody, listBodyWithIds, readLimit } from '../api/page.ts';
import { checkpointBody } from '../artifacts/checkpoint.ts';
import { eventBody } from '../artifacts/event.ts';
import { jobBody } from '../artifacts/job.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import type { State } from '../state/state.ts';
import { readMetadataFilter } from './metadata-filter.ts';
import type { ApiRequest } from './route.ts';

export function listJobs({ query, now }: ApiRequest, state: State): object {
  const limit = readLimit(query, 20);
  const matches = readFilter(query, state, now);
  const remaining = itemsAfter(state.jobsAt(now).newestFirst, query, (id) => unknownJob(id, 'after'));
  const bodies = remaining.filter(matches).map((plan) => jobBody(plan, now));
  return listBody(bodies, limit);
}

export function retrieveJob({ now }: ApiRequest, state: State, id: string): object {
  return jobBody(findJob(state, id, now), now);
}

export function listEvents({ query, now }: ApiRequest, state: State, id: string): object {
  const plan = findJob(state, id, now);
  const limit = readLimit(query, 20);
  return listBody(itemsAfter(state.eventsAt(plan, now), query, unknownEvent).map(eventBody), limit);
}

export function listCheckpoints({ query, now }: ApiRequest, state: State, id: string): object {
  const plan = findJob(state, id, now);
  const limit = readLimit(query, 10);
  const remaining = itemsAfter(state.checkpointsAt(plan, now), query, unknownCheckpoint);
  return listBodyWithIds(
    remaining.map((checkpoint) => checkpointBody(plan, checkpoint)),
    limit,
  );
}

/** The metadata filter, with the injected fault. */
function readFilter(query: URLSearchParams, { faults }: State, now: number): (plan: JobPlan) => boolean {
  const matchesMetadata = readMetadataFilter(query);
  const { filter } = faults;
  if (filter === 'ignored') return () => true;
  const isFiltered = [...query.keys()].some((name) => name.startsWith('metadata'));
  const lagMs = filter === 'none' || !isFiltered ? 0 : filter.lagsMs;
  return ({ metadata, createdAt }) => createdAt <= now - lagMs && matchesMetadata(metadata);
}

/** Returns the job that exists at `now`. Throws ApiError when there is none. */
export function findJob(state: State, id: string, now: number): JobPlan {
  const jobs = state.jobsAt(now);
  const plan = jobs.newestFirst[jobs.positions.get(id) ?? -1];
  if (plan === undefined) throw unknownJob(id);
  return plan;
}
