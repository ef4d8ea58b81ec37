import type { JobCriteria } from '../../store/resources/job-scan.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { hasPairs, methodOf } from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { badUserInput } from '../core/errors.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntryInput, readPairs } from '../core/metadata.ts';
import { methodType } from '../core/method-type.ts';

const SECONDS =
  'in seconds, such as 1767225600. A number above 100000000000 is rejected, because it is probably in milliseconds. By default, and when null, any time.';

export const FineTuningJobFilter = builder.inputType('FineTuningJobFilter', {
  description:
    'Selects jobs. A job has to match all fields that are given. It matches a list when it matches one entry, but `metadata` only when it has all pairs. A field that is missing, null or an empty list matches all jobs. The upstream can filter by metadata only: the gateway itself filters by the other fields.',
  fields: (t) => ({
    statuses: t.field({
      type: [jobStatus.type],
      description: 'Only jobs with one of these statuses, such as `[QUEUED, RUNNING]`. UNKNOWN is not accepted.',
    }),
    modelIds: t.idList({
      description:
        'Only jobs whose `modelId` is one of these ids, such as `["gpt-4.1-mini-2025-04-14"]`. An alias such as `gpt-4.1-mini` does not match the id that it was resolved to.',
    }),
    methods: t.field({
      type: [methodType.type],
      description:
        'Only jobs with one of these training methods, such as `[SUPERVISED]`. A job whose `method` is null does not match. UNKNOWN is not accepted.',
    }),
    metadata: t.field({
      type: [MetadataEntryInput],
      description:
        'Only jobs with all of these pairs, such as `[{key: "team", value: "support"}]`. At most 16 pairs, each key once.',
    }),
    createdAtOrAfter: t.field({
      type: 'UnixTimestamp',
      description: `Only jobs created at this time or later, ${SECONDS}`,
    }),
    createdBefore: t.field({ type: 'UnixTimestamp', description: `Only jobs created before this time, ${SECONDS}` }),
    trainingFileIds: t.idList({
      description: 'Only jobs whose `trainingFileId` is one of these ids, such as `["file-abc123"]`.',
    }),
    fineTunedModelIds: t.idList({
      description:
        'Only jobs whose `fineTunedModelId` is one of these ids, such as `["ft:gpt-4.1-mini-2025-04-14:acme::abc123"]`. A job without a fine-tuned model does not match.',
    }),
    suffixContains: t.string({
      description:
        'Only jobs whose `suffix` contains this text, such as `support`. Upper and lower case are the same. A job without a suffix does not match a text; an empty text matches all jobs.',
    }),
    suffix: t.string({ description: 'Only jobs whose `suffix` is exactly this string, such as `support-bot`.' }),
  }),
});

type Filter = typeof FineTuningJobFilter.$inferInput;

/** Returns the criteria of a filter. Throws BAD_USER_INPUT naming the field. */
export function criteriaOf(filter: Filter): JobCriteria {
  const metadata = readPairs('filter.metadata', filter.metadata);
  const { suffix } = filter;
  const suffixPart = filter.suffixContains?.toLowerCase();
  const createdAtOrAfter = readSeconds('filter.createdAtOrAfter', filter.createdAtOrAfter);
  const createdBefore = readSeconds('filter.createdBefore', filter.createdBefore);
  jobStatus.assertKnown(filter.statuses ?? [], 'filter.statuses');
  methodType.assertKnown(filter.methods ?? [], 'filter.methods');
  const checks: ((job: Job) => boolean)[] = [
    oneOf(filter.statuses, ({ status }) => jobStatus.read(status)),
    oneOf(filter.methods, (job) => methodType.read(methodOf(job)?.type ?? '')),
    oneOf(filter.modelIds, ({ model }) => model),
    oneOf(filter.trainingFileIds, ({ training_file }) => training_file),
    oneOf(filter.fineTunedModelIds, ({ fine_tuned_model }) => fine_tuned_model),
    (job) => suffix == null || suffixOf(job) === suffix,
    (job) => !suffixPart || (suffixOf(job)?.toLowerCase().includes(suffixPart) ?? false),
    ({ created_at }) => createdAtOrAfter == null || created_at >= createdAtOrAfter,
    ({ created_at }) => createdBefore == null || created_at < createdBefore,
    (job) => hasPairs(job, metadata), // Some servers ignore the filter of the request.
  ];
  const matches = (job: Job) => checks.every((check) => check(job));
  return { matches, metadata, oldest: createdAtOrAfter ?? Number.NEGATIVE_INFINITY };
}

const suffixOf = (job: Job) => job.user_provided_suffix ?? job.suffix;

/** Whether a value of the job is one of a list. A missing or empty list matches every job. */
function oneOf<T>(values: readonly T[] | null | undefined, read: (job: Job) => T) {
  const set = new Set(values);
  return (job: Job) => set.size === 0 || set.has(read(job));
}

/** 16 November 5138. The milliseconds since 1970 are a larger number since 1973. */
const MAX_SECONDS = 100_000_000_000;

function readSeconds(argument: string, seconds: number | null | undefined): number | null | undefined {
  if (seconds == null || seconds <= MAX_SECONDS) return seconds;
  throw badUserInput(
    argument,
    `is ${seconds}, which is probably in milliseconds; expected seconds since 1970, such as 1767225600`,
  );
}
