import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { checkpointBody } from '../bodies/checkpoint.ts';
import { eventBody, stepBody } from '../bodies/event.ts';
import { fileBody } from '../bodies/file.ts';
import { jobBody } from '../bodies/job.ts';
import { modelBody } from '../bodies/model.ts';
import { type ScriptedUpstream, writeResponse } from './upstream.ts';

/** How the lists of a server deviate from those of the API. */
export interface ListQuirks {
  readonly order: 'newest first' | 'oldest first';
  readonly hasMore: 'exact' | 'missing' | 'always true';
  readonly after: 'honored' | 'ignored';
  readonly limit: 'honored' | 'ignored';
  /** The page after an unknown cursor. */
  readonly unknownCursor: 'start' | 'rejected' | 'empty';
}

/** A job of any size. Each resource exists or not. */
export interface OddJob {
  readonly status: string;
  readonly resultFiles: number;
  readonly events: number;
  readonly checkpoints: number;
  readonly filesPerCheckpoint: number;
  /** Whether the files are in the list of files, and whether each can be read. */
  readonly files: 'listed' | 'readable' | 'missing';
  readonly models: 'listed' | 'missing';
}

export interface OddServer {
  readonly quirks: ListQuirks;
  readonly jobs: readonly OddJob[];
}

const quirks: fc.Arbitrary<ListQuirks> = fc.record({
  order: fc.constantFrom('newest first', 'oldest first'),
  hasMore: fc.constantFrom('exact', 'exact', 'missing', 'always true'),
  after: fc.constantFrom('honored', 'honored', 'honored', 'ignored'),
  limit: fc.constantFrom('honored', 'honored', 'honored', 'ignored'),
  unknownCursor: fc.constantFrom('start', 'rejected', 'empty'),
});

const job: fc.Arbitrary<OddJob> = fc.record({
  status: fc.constantFrom('queued', 'running', 'succeeded', 'failed', 'cancelled'),
  resultFiles: fc.constantFrom(0, 1, 2, 4, 12),
  events: fc.constantFrom(0, 1, 30, 101, 450),
  checkpoints: fc.constantFrom(0, 1, 3),
  filesPerCheckpoint: fc.constantFrom(0, 1, 5),
  files: fc.constantFrom('listed', 'readable', 'missing'),
  models: fc.constantFrom('listed', 'missing'),
});

/** Servers of any size and with any deviations. */
export const oddServers: fc.Arbitrary<OddServer> = fc.record({
  quirks,
  jobs: fc.array(job, { minLength: 1, maxLength: 12 }),
});

export const jobIdAt = (index: number) => `ftjob-${index}`;

/** Scripts an upstream as this server. */
export function scriptOddServer(upstream: ScriptedUpstream, { quirks, jobs }: OddServer): void {
  const bodies = jobs.map((job, index) => bodyOf(job, index));
  const files = jobs.flatMap((job, index) => (job.files === 'missing' ? [] : filesOf(job, index)));
  const models = jobs.flatMap((job, index) => (job.models === 'listed' ? [modelBody(`base-${index}`)] : []));
  upstream.on('/fine_tuning/jobs', oddPager(bodies, quirks));
  for (const body of bodies) upstream.onJob(body);
  const listedFiles = files.filter((_, index) => jobs[index % jobs.length]?.files === 'listed');
  upstream.on('/files', oddPager(listedFiles, quirks));
  for (const file of files) upstream.onFile(file);
  upstream.onModels(models);
  for (const [index, job] of jobs.entries()) {
    const path = `/fine_tuning/jobs/${jobIdAt(index)}`;
    upstream.on(`${path}/events`, oddPager(eventsOf(job, index), quirks));
    upstream.on(`${path}/checkpoints`, oddPager(checkpointsOf(job, index), quirks));
    if (job.files === 'listed') upstream.onContent(`file-result-${index}-0`, 'step,train_loss\n1,0.5\n');
  }
}

const count = <T>(length: number, create: (index: number) => T) => Array.from({ length }, (_, index) => create(index));

function bodyOf({ status, resultFiles }: OddJob, index: number) {
  const isDone = status === 'succeeded';
  return jobBody({
    id: jobIdAt(index),
    created_at: 1_760_000_000 - 100 * index,
    status,
    model: `base-${index}`,
    fine_tuned_model: isDone ? `ft:base:${index}` : null,
    training_file: `file-train-${index}`,
    validation_file: `file-valid-${index}`,
    result_files: count(resultFiles, (file) => `file-result-${index}-${file}`),
  });
}

function filesOf({ resultFiles, checkpoints, filesPerCheckpoint }: OddJob, index: number) {
  const results = [
    ...count(resultFiles, (file) => `file-result-${index}-${file}`),
    ...count(checkpoints * filesPerCheckpoint, (file) => `file-checkpoint-${index}-${file}`),
  ];
  return [fileBody(`file-train-${index}`), ...results.map((id) => fileBody(id, { purpose: 'fine-tune-results' }))];
}

/** Events newest first, the last ones without a step. */
function eventsOf({ events }: OddJob, index: number) {
  return count(events, (event) => {
    const step = events - event;
    return event < 25
      ? eventBody(`ftevent-${index}-${step}`, { created_at: 1_760_009_000 + step })
      : { ...stepBody(step, events), id: `ftevent-${index}-${step}` };
  });
}

function checkpointsOf({ checkpoints, filesPerCheckpoint }: OddJob, index: number) {
  return count(checkpoints, (checkpoint) =>
    checkpointBody(`ftckpt_${index}_${checkpoint}`, {
      created_at: 1_760_009_000 - checkpoint,
      fine_tuned_model_checkpoint: `ft:base:${index}:${checkpoint}`,
      result_files: count(
        filesPerCheckpoint,
        (file) => `file-checkpoint-${index}-${checkpoint * filesPerCheckpoint + file}`,
      ),
    }),
  );
}

/** A handler that returns pages of a list, newest first, as a server with these deviations does. */
export function oddPager(
  newestFirst: readonly { readonly id: string; readonly purpose?: unknown }[],
  quirks: ListQuirks,
): (request: IncomingMessage, response: ServerResponse) => void {
  const list = quirks.order === 'newest first' ? newestFirst : newestFirst.toReversed();
  return ({ url }, response) => {
    const { searchParams } = new URL(url ?? '', 'http://upstream');
    const after = quirks.after === 'ignored' ? null : searchParams.get('after');
    const index = list.findIndex(({ id }) => id === after);
    const isUnknown = after !== null && index < 0;
    if (isUnknown && quirks.unknownCursor === 'rejected')
      return writeResponse(response, 400, { error: { message: 'No such cursor', type: 'invalid_request_error' } });
    const following = isUnknown && quirks.unknownCursor === 'empty' ? [] : list.slice(index + 1);
    const limit = quirks.limit === 'ignored' ? list.length : Number(searchParams.get('limit') ?? 20);
    const data = following.slice(0, limit);
    const hasMore = quirks.hasMore === 'always true' || following.length > limit;
    writeResponse(response, 200, { object: 'list', data, ...(quirks.hasMore !== 'missing' && { has_more: hasMore }) });
  };
}
