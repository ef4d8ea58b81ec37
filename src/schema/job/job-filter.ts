import type { JobCriteria } from '../../store/resources/job-scan.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { metadataOf, methodOf } from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { badUserInput } from '../core/errors.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntryInput, metadataEntries, readPairs } from '../core/metadata.ts';
import { methodType } from './method.ts';

export const FineTuningJobFilter = builder.inputType('FineTuningJobFilter', {
  description:
    'Which jobs. All members that are given have to fit: of a list one entry is enough, but of `metadata` every pair is needed. An empty list leaves nothing out. The upstream can only be asked for metadata: all else is matched while its pages are scanned.',
  fields: (t) => ({
    statuses: t.field({
      type: [jobStatus.type],
      description: 'In one of these statuses; UNKNOWN is refused, as no single status is meant by it.',
    }),
    modelIds: t.idList({ description: 'Made from one of these base models, named as `modelId` names them.' }),
    methods: t.field({ type: [methodType.type], description: 'Trained by one of these methods; UNKNOWN is refused.' }),
    metadata: t.field({ type: [MetadataEntryInput], description: 'With all of these pairs of metadata, at most 16.' }),
    createdAtOrAfter: t.field({
      type: 'UnixTimestamp',
      description:
        'Created at this time or later, in seconds: a number past the year 5138 is refused, as it will be milliseconds.',
    }),
    createdBefore: t.field({
      type: 'UnixTimestamp',
      description:
        'Created before this time, in seconds: a number past the year 5138 is refused, as it will be milliseconds.',
    }),
    suffix: t.string({ description: 'With exactly this suffix.' }),
  }),
});

type Filter = typeof FineTuningJobFilter.$inferInput;

/** Reads a filter. Throws BAD_USER_INPUT naming the member. */
export function criteriaOf(filter: Filter): JobCriteria {
  const metadata = readPairs('filter.metadata', filter.metadata);
  const { suffix } = filter;
  const oldest = readSeconds('filter.createdAtOrAfter', filter.createdAtOrAfter);
  const createdBefore = readSeconds('filter.createdBefore', filter.createdBefore);
  const checks: ((job: Job) => boolean)[] = [
    oneOf('filter.statuses', filter.statuses, ({ status }) => jobStatus.read(status)),
    oneOf('filter.methods', filter.methods, (job) => methodType.read(methodOf(job)?.type ?? '')),
    oneOf('filter.modelIds', filter.modelIds, ({ model }) => model),
    (job) => suffix == null || (job.user_provided_suffix ?? job.suffix) === suffix,
    ({ created_at }) => oldest == null || created_at >= oldest,
    ({ created_at }) => createdBefore == null || created_at < createdBefore,
    (job) => hasAll(job, metadata),
  ];
  const matches = (job: Job) => checks.every((check) => check(job));
  return { matches, metadata, oldest: oldest ?? Number.NEGATIVE_INFINITY };
}

function oneOf<T>(member: string, wanted: readonly T[] | null | undefined, read: (job: Job) => T) {
  if (wanted?.some((value) => value === 'UNKNOWN')) throw badUserInput(member, 'known values, got UNKNOWN');
  const values = new Set(wanted);
  return (job: Job) => values.size === 0 || values.has(read(job));
}

/** 16 November 5138. Milliseconds since the epoch are more from 1973 on. */
const LAST_SECOND = 100_000_000_000;

function readSeconds(member: string, seconds: number | null | undefined): number | null | undefined {
  if (seconds == null || seconds <= LAST_SECOND) return seconds;
  throw badUserInput(member, `seconds since the epoch, at most ${LAST_SECOND} and not milliseconds, got ${seconds}`);
}

// Some servers ignore the filter.
function hasAll(job: Job, wanted: Readonly<Record<string, string>>): boolean {
  const needed = Object.entries(wanted);
  if (needed.length === 0) return true;
  const pairs = new Map(metadataEntries(metadataOf(job)).map(({ key, value }) => [key, value]));
  return needed.every(([key, value]) => pairs.get(key) === value);
}
