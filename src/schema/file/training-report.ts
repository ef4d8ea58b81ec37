import type { TrainingIssue } from '../../upstream/training-data/format-tally.ts';
import type { TrainingFileReport as Report } from '../../upstream/training-data/validating-stream.ts';
import { builder } from '../core/builder.ts';
import {
  costOf,
  EstimatedCost,
  EstimatedTokensType,
  type TrainingPlan,
  tokensFor,
  trainingTokens,
} from './token-estimate.ts';

/** A report, and the training that its estimates are about. */
export interface PlannedReport extends Report {
  readonly plan?: TrainingPlan;
}

/** The cost of reading a whole training file, as a number of objects. */
export const VALIDATION_WEIGHT = 5000;

const TrainingFormat = builder.enumType('TrainingFormat', {
  description: 'The format of the examples of a training file. Each line is one JSON object.',
  values: {
    CHAT: {
      value: 'chat',
      description:
        'Conversations: objects with a list `messages`, whose last message has the role `assistant`. For supervised fine-tuning.',
    },
    COMPLETION: {
      value: 'completion',
      description:
        'Completions: objects with the strings `prompt` and `completion`. For supervised fine-tuning of models without chat.',
    },
    PREFERENCE: {
      value: 'preference',
      description:
        'Preferences: objects with `input`, `preferred_output` and `non_preferred_output`. For direct preference optimization (DPO).',
    },
    REINFORCEMENT: {
      value: 'reinforcement',
      description:
        'Questions: objects with a list `messages`, whose last message has the role `user`, and other members for the grader, such as `reference_answer`. For reinforcement fine-tuning.',
    },
  } as const,
});

const TrainingFileIssueSeverity = builder.enumType('TrainingFileIssueSeverity', {
  description: 'The severity of a problem in a training file: whether jobs can still train on the file.',
  values: {
    ERROR: { value: 'error', description: 'No job can train on the file until this problem is mended.' },
    WARNING: {
      value: 'warning',
      description: 'Jobs may train on the file, but this may be a mistake, or some servers may reject it.',
    },
  } as const,
});

const TrainingFileIssue = builder.objectRef<TrainingIssue>('TrainingFileIssue').implement({
  description: 'A problem in a training file: its line and what is wrong there.',
  fields: (t) => ({
    line: t.exposeInt('line', {
      description: 'The line number, from 1. Null when the problem is about the whole file.',
    }),
    severity: t.expose('severity', {
      type: TrainingFileIssueSeverity,
      nullable: false,
      description: 'Whether the problem prevents training: ERROR, or WARNING.',
    }),
    message: t.exposeString('message', {
      nullable: false,
      description:
        'The problem, its position in the line and the expected value, for people. It quotes nothing of the file. For example `messages[0].content: is missing; expected a string or a list of content parts`.',
    }),
  }),
});

export const TrainingFileReport = builder.objectRef<PlannedReport>('TrainingFileReport').implement({
  description: 'The validation report of a training file: JSON Lines, with one example per line.',
  fields: (t) => ({
    format: t.expose('format', {
      type: TrainingFormat,
      description: 'The format of the examples. Null when their formats differ, or when the file has no example.',
    }),
    exampleCount: t.exposeInt('exampleCount', {
      nullable: false,
      description: 'Number of examples: the lines that are not blank, valid or not.',
    }),
    characterCount: t.expose('characterCount', {
      type: 'SafeInt',
      nullable: false,
      description: 'Number of characters (Unicode code points) of all lines, without line breaks.',
    }),
    longestExample: t.expose('longestExample', {
      type: 'SafeInt',
      nullable: false,
      description: 'Number of characters (Unicode code points) of the longest line.',
    }),
    duplicateCount: t.exposeInt('duplicateCount', {
      nullable: false,
      description:
        'Number of examples that repeat an earlier line exactly. A lower bound when the file has more than a million different lines.',
    }),
    issues: t.expose('issues', {
      type: [TrainingFileIssue],
      nullable: { list: false, items: false },
      description: 'The first 100 problems, ordered by line. A problem of the whole file comes last.',
    }),
    issueCount: t.exposeInt('issueCount', {
      nullable: false,
      description: 'Number of all problems, including those that `issues` leaves out.',
    }),
    errorCount: t.exposeInt('errorCount', {
      nullable: false,
      description: 'Number of all problems with the severity ERROR. Jobs can train on the file only when it is 0.',
    }),
    isComplete: t.exposeBoolean('isComplete', {
      nullable: false,
      description:
        'Whether the whole file was read. False when an upload was ended early because of its errors: then all numbers are those of the part that was read.',
    }),
    estimatedTokens: t.field({
      type: EstimatedTokensType,
      description:
        'The tokens of the file. Counted only when this field is selected. Null when the file has errors or no format.',
      resolve: (report) => {
        const estimate = estimateOf(report);
        return estimate && tokensFor(estimate, report.plan?.modelId ?? null);
      },
    }),
    estimatedTrainingTokens: t.field({
      type: 'SafeInt',
      description:
        'The tokens of all epochs: `estimatedTokens.tokens` times the `nEpochs` of `checkTrainingFile`. Null without `nEpochs`, because the upstream does not publish how it chooses the number of epochs; also when `estimatedTokens` is null, and in the report of an upload.',
      resolve: (report) => report.plan && trainingTokens(estimateOf(report), report.plan),
    }),
    estimatedCost: t.field({
      type: EstimatedCost,
      description:
        'The cost of the training: `estimatedTrainingTokens` at the price of the `modelId` of `checkTrainingFile` and the method of the format, in the PRICES_FILE of the gateway. Null when no price is known, without `modelId`, when its tokenizer is not known, and when `estimatedTrainingTokens` is null. Reinforcement is billed by time, so its cost is null.',
      resolve: (report, _, { gateway }) => report.plan && costOf(estimateOf(report), report.plan, gateway.prices),
    }),
  }),
});

/** The fields that need the tokens of a file. */
export const TOKEN_FIELDS = ['estimatedTokens', 'estimatedTrainingTokens', 'estimatedCost'];

/** Throws the error of a failed count. */
function estimateOf({ estimatedTokens }: Report) {
  if (estimatedTokens instanceof Error) throw estimatedTokens;
  return estimatedTokens;
}
