import type { GatewayFacts } from '../../request/context.ts';
import { MAX_METADATA_PAIRS, validateJobRequest } from '../../upstream/requests/job-request.ts';
import { isMarkName, MARK_PAIRS } from '../../upstream/resources/idempotency-mark.ts';
import { builder } from '../core/builder.ts';
import { MetadataEntryInput } from '../core/metadata.ts';
import { type InputIssue, InvalidInput } from '../mutation/failure.ts';
import { inputIssues, type PathMapping } from '../mutation/input-issue.ts';
import { type EncodedMethod, encodeMethod, MethodInput } from './method-input.ts';

/** Maximum length of an idempotency key, in characters. */
const MAX_KEY_LENGTH = 255;

const WandbIntegrationInput = builder.inputType('FineTuningJobWandbIntegrationInput', {
  description: 'A run in Weights & Biases (wandb) that receives the metrics of the job.',
  fields: (t) => ({
    project: t.string({ required: true, description: 'The project of the run, such as `support-bot`.' }),
    name: t.string({
      description:
        'The display name of the run, such as `support-bot-1`. By default, and when null, the id of the job.',
    }),
    entity: t.string({
      description:
        'The team or user that owns the run, such as `acme`. By default, and when null, the default of the Weights & Biases API key.',
    }),
    tags: t.stringList({ description: 'The tags of the run, such as `["nightly"]`. By default, and when null, none.' }),
  }),
});

const IntegrationInput = builder.inputType('FineTuningJobIntegrationInput', {
  isOneOf: true,
  description: 'An integration: a service that receives the metrics of the job. Set exactly one field.',
  fields: (t) => ({
    wandb: t.field({ type: WandbIntegrationInput, description: 'A run in Weights & Biases (wandb).' }),
  }),
});

const IDEMPOTENCY_KEY = [
  `A string of 1 to ${MAX_KEY_LENGTH} characters, such as \`nightly-2026-01-01\`, that makes retries safe: each caller gets one job per key. With tokens, the caller is the name of the token.`,
  'The same key with the same input returns the existing job in its current state, also after a restart of the gateway. The same key with another input returns a `ConflictError`.',
  'After an `OutcomeUnknownError`, retry with the same key: the gateway searches for the job. If it does not exist one minute later, the retry creates it.',
  'This works with one gateway process at a time, and with an upstream that stores the metadata of jobs: the gateway writes the key there in two pairs, which it hides.',
  'By default, and when null, each mutation creates a job.',
].join(' ');

export const CreateJobInput = builder.inputType('CreateFineTuningJobInput', {
  description:
    'The job to create. The limits in these descriptions are those of OpenAI. When the upstream is OpenAI or the sandbox, the gateway checks them and returns an `InvalidInputError`. Other servers check limits of their own, which leads to an `UpstreamError`.',
  fields: (t) => ({
    modelId: t.id({
      required: true,
      description: 'The id of the model to train: a base model such as `gpt-4.1-mini`, or a fine-tuned model.',
    }),
    trainingFileId: t.id({
      required: true,
      description:
        'The id of the training file, such as `file-abc123`. Upload it before with `uploadFile` and the purpose FINE_TUNE.',
    }),
    validationFileId: t.id({
      description: 'The id of the validation file, such as `file-abc123`. By default, and when null, none.',
    }),
    suffix: t.string({
      description:
        'A part of the name of the new model, such as `support-bot`: 1 to 64 characters. By default, and when null, none.',
    }),
    seed: t.field({
      type: 'SafeInt',
      description:
        'The seed of the random numbers, such as 42: from 0 to 2147483647. By default, and when null, the upstream chooses.',
    }),
    method: t.field({
      type: MethodInput,
      description:
        'The training method and its hyperparameters, such as `{supervised: {hyperparameters: {nEpochs: 3}}}`. By default, and when null, the default of the upstream: supervised on OpenAI.',
    }),
    integrations: t.field({
      type: [IntegrationInput],
      description: 'The services that receive the metrics of the job. By default, and when null, none.',
    }),
    metadata: t.field({
      type: [MetadataEntryInput],
      description: `Pairs to attach to the job, such as \`[{key: "team", value: "support"}]\`. At most ${MAX_METADATA_PAIRS - MARK_PAIRS}, each key once: OpenAI allows ${MAX_METADATA_PAIRS}, and the gateway needs ${MARK_PAIRS} for an \`idempotencyKey\`. By default, and when null, none.`,
    }),
    extra: t.field({
      type: 'JSON',
      description:
        'An object with properties of the REST request that this input has no field for, such as `{"trainingType": "Standard"}` for Azure. They are sent unchanged. Its `hyperparameters` may hold those that only this upstream has, such as `{"lora_r": 16}`: they are sent together with those of `method`, and may not repeat them. By default, and when null, none.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY }),
  }),
});

export type CreateJobInputValue = typeof CreateJobInput.$inferInput;

/** Returns the REST request of an input, or all problems of the input. */
export function encodeJobInput(
  input: CreateJobInputValue,
  { limits, hyperparameters: placement }: Pick<GatewayFacts, 'limits' | 'hyperparameters'>,
): { request: object } | InvalidInput {
  const method = input.method ? encodeMethod(input.method) : null;
  const pairs = input.metadata ?? [];
  const checked = validateJobRequest(
    {
      model: input.modelId,
      training_file: input.trainingFileId,
      validation_file: input.validationFileId,
      suffix: input.suffix,
      seed: input.seed,
      method: method?.wire,
      integrations: input.integrations?.map(({ wandb }) => ({ type: 'wandb', wandb })),
      metadata: input.metadata && Object.fromEntries(pairs.map(({ key, value }) => [key, value])),
      extra: input.extra,
    },
    { limits, placement, reservedPairs: MARK_PAIRS },
  );
  const grader = method?.grader;
  const issues = [
    ...('issues' in checked ? inputIssues(checked.issues, pathMappings(pairs, method)) : []),
    ...(grader?.issues ?? []).map(({ path, message }) => ({ path: [...GRADER_PATH, ...path], message })),
    ...issuesOfPairs(pairs),
    ...issuesOfKey(input.idempotencyKey),
  ];
  return 'issues' in checked || issues.length > 0 ? new InvalidInput(issues) : { request: checked.body };
}

const GRADER_PATH = ['method', 'reinforcement', 'grader'];

type Pairs = readonly (typeof MetadataEntryInput.$inferInput)[];

/** The parts of the input whose form is not that of the REST request. */
function pathMappings(pairs: Pairs, method: EncodedMethod | null): PathMapping[] {
  const metadata: PathMapping = {
    at: ['metadata'],
    // Of pairs with the same key, the last one was validated.
    path: ([name, part = 'value']) =>
      name === undefined ? [] : [String(pairs.findLastIndex(({ key }) => key === name)), String(part)],
  };
  return method?.grader ? [metadata, { at: GRADER_PATH, path: method.grader.path }] : [metadata];
}

function issuesOfPairs(pairs: Pairs): InputIssue[] {
  return pairs.flatMap(({ key }, index) => {
    const isRepeated = pairs.findIndex((pair) => pair.key === key) < index;
    const message = isRepeated ? REPEATED_KEY : isMarkName(key) ? RESERVED_KEY : null;
    return message === null ? [] : [{ path: ['metadata', String(index), 'key'], message }];
  });
}

const REPEATED_KEY = 'is also the key of an earlier pair; expected a key that is used once, such as team';
const RESERVED_KEY = 'is reserved for the gateway; expected another key, such as team';

function issuesOfKey(key: string | null | undefined): InputIssue[] {
  if (key == null) return [];
  const { length } = [...key];
  if (length >= 1 && length <= MAX_KEY_LENGTH) return [];
  const message = `has ${length} characters; expected 1 to ${MAX_KEY_LENGTH}, such as nightly-2026-01-01`;
  return [{ path: ['idempotencyKey'], message }];
}
