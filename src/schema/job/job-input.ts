import { MAX_METADATA_PAIRS, validateJobRequest } from '../../upstream/requests/job-request.ts';
import type { RequestRules } from '../../upstream/requests/validation.ts';
import { isMarkName, MARK_PAIRS } from '../../upstream/resources/idempotency-mark.ts';
import { builder } from '../core/builder.ts';
import { MetadataEntryInput } from '../core/metadata.ts';
import { type InputIssue, InvalidInput } from '../mutation/failure.ts';
import { inputIssues, type PathMapping } from '../mutation/input-issue.ts';
import { encodeMethod, MethodInput } from './method-input.ts';

/** Longest key under which a job is made once, in characters. */
const MAX_KEY_LENGTH = 255;

const WandbIntegrationInput = builder.inputType('FineTuningJobWandbIntegrationInput', {
  description: 'A run in Weights & Biases.',
  fields: (t) => ({
    project: t.string({ required: true, description: 'The project of the run.' }),
    name: t.string({ description: "The run's name; left out, the job's id." }),
    entity: t.string({ description: 'The team or user of the run; left out, the default.' }),
    tags: t.stringList({ description: "The run's tags." }),
  }),
});

const IntegrationInput = builder.inputType('FineTuningJobIntegrationInput', {
  isOneOf: true,
  description: 'A place that a job reports to while it trains: exactly one of the services.',
  fields: (t) => ({ wandb: t.field({ type: WandbIntegrationInput, description: 'Weights & Biases.' }) }),
});

export const CreateJobInput = builder.inputType('CreateFineTuningJobInput', {
  description:
    "A job to be made. The numbers in the descriptions are OpenAI's limits: they hold toward OpenAI and the sandbox. Of other servers no limits are known; what they refuse is an `UpstreamError`.",
  fields: (t) => ({
    modelId: t.id({
      required: true,
      description: 'The name of the model to start from: a base model, or a fine-tuned one.',
    }),
    trainingFileId: t.id({ required: true, description: 'The id of the file to train on.' }),
    validationFileId: t.id({ description: 'The id of the file to validate on; left out, none.' }),
    suffix: t.string({ description: "What the new model's name is to contain, 1 to 64 characters." }),
    seed: t.field({
      type: 'SafeInt',
      description: 'The seed of its randomness, 0 to 2147483647; left out, the upstream chooses.',
    }),
    method: t.field({ type: MethodInput, description: 'How it is to train; left out, supervised.' }),
    integrations: t.field({ type: [IntegrationInput], description: 'Where it is to report to while it trains.' }),
    metadata: t.field({
      type: [MetadataEntryInput],
      description: `Pairs to attach to the job, at most ${MAX_METADATA_PAIRS - MARK_PAIRS}, each key once: the rest of ${MAX_METADATA_PAIRS} is the gateway's.`,
    }),
    extra: t.field({
      type: 'JSON',
      description:
        "An object with members of the upstream's request that this version of the gateway does not know; they are sent as they are.",
    }),
    idempotencyKey: t.string({
      description: `1 to ${MAX_KEY_LENGTH} characters of the caller's choice that make it safe to try again: under one key the caller gets one job, whatever happens on the way. The same input again answers that job as it is then, also after a restart of the gateway; another input is a \`ConflictError\`. After an \`OutcomeUnknownError\` the next try looks for the job, and from a minute later on creates it when there is none. That holds for one gateway process at a time, and for a server that keeps the metadata of jobs: the gateway's two pairs in it are shown nowhere here.`,
    }),
  }),
});

export type CreateJobGiven = typeof CreateJobInput.$inferInput;

/** The request that an input comes to, as it is sent, or all that is wrong with the input. */
export function readJobInput(given: CreateJobGiven, limits: RequestRules): { request: object } | InvalidInput {
  const method = given.method ? encodeMethod(given.method) : null;
  const pairs = given.metadata ?? [];
  const checked = validateJobRequest(
    {
      model: given.modelId,
      training_file: given.trainingFileId,
      validation_file: given.validationFileId,
      suffix: given.suffix,
      seed: given.seed,
      method: method?.wire,
      integrations: given.integrations?.map(({ wandb }) => ({ type: 'wandb', wandb })),
      metadata: given.metadata && Object.fromEntries(pairs.map(({ key, value }) => [key, value])),
      extra: given.extra,
    },
    { limits, reservedPairs: MARK_PAIRS },
  );
  const grader = method?.grader;
  const detours: PathMapping[] = [
    {
      at: ['metadata'],
      // Of several pairs with one key the last was checked.
      path: ([name, part = 'value']) =>
        name === undefined ? [] : [String(pairs.findLastIndex(({ key }) => key === name)), String(part)],
    },
    ...(grader ? [{ at: GRADER, path: grader.path }] : []),
  ];
  const issues = [
    ...('issues' in checked ? inputIssues(checked.issues, detours) : []),
    ...(grader?.issues ?? []).map(({ path, message }) => ({ path: [...GRADER, ...path], message })),
    ...issuesOfPairs(pairs),
    ...issuesOfKey(given.idempotencyKey),
  ];
  return 'issues' in checked || issues.length > 0 ? new InvalidInput(issues) : { request: checked.body };
}

const GRADER = ['method', 'reinforcement', 'grader'];

type Pairs = readonly (typeof MetadataEntryInput.$inferInput)[];

const placeOf = (pairs: Pairs, wanted: unknown) => String(pairs.findIndex(({ key }) => key === wanted));

function issuesOfPairs(pairs: Pairs): InputIssue[] {
  return pairs.flatMap(({ key }, place) => {
    const isDoubled = placeOf(pairs, key) !== String(place);
    const message = isDoubled ? DOUBLED : isMarkName(key) ? RESERVED : null;
    return message === null ? [] : [{ path: ['metadata', String(place), 'key'], message }];
  });
}

const DOUBLED = 'expected another key, as a pair before it has this one';
const RESERVED = "expected another key, as this one is the gateway's own";

function issuesOfKey(key: string | null | undefined): InputIssue[] {
  const length = key == null ? 1 : [...key].length;
  if (length >= 1 && length <= MAX_KEY_LENGTH) return [];
  return [{ path: ['idempotencyKey'], message: `expected a text of 1 to ${MAX_KEY_LENGTH} characters` }];
}
