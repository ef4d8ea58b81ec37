import type { TrainingIssue } from '../../upstream/training-data/report-builder.ts';
import type { TrainingFileReport as Report } from '../../upstream/training-data/validating-stream.ts';
import { builder } from '../core/builder.ts';

/** The cost of reading a whole training file, as a number of objects. */
export const VALIDATION_WEIGHT = 5000;

const TrainingFormat = builder.enumType('TrainingFormat', {
  description: 'The format of the examples of a training file.',
  values: {
    CHAT: {
      value: 'chat',
      description: 'Conversations: objects with `messages`, of which the last is from the assistant.',
    },
    COMPLETION: { value: 'completion', description: 'Completions: objects with `prompt` and `completion`.' },
    PREFERENCE: {
      value: 'preference',
      description: 'Preferences: objects with `input`, `preferred_output` and `non_preferred_output`.',
    },
    REINFORCEMENT: {
      value: 'reinforcement',
      description:
        'Questions for reinforcement: objects with `messages`, of which the last is from the user, and other members for graders, such as `reference_answer`.',
    },
  } as const,
});

const TrainingFileIssueSeverity = builder.enumType('TrainingFileIssueSeverity', {
  description: 'The severity of a problem in a training file.',
  values: {
    ERROR: { value: 'error', description: 'No job can train on the file.' },
    WARNING: {
      value: 'warning',
      description: 'The file can be used, but the line may be a mistake or some servers may reject it.',
    },
  } as const,
});

const TrainingFileIssue = builder.objectRef<TrainingIssue>('TrainingFileIssue').implement({
  description: 'A problem in a training file.',
  fields: (t) => ({
    line: t.exposeInt('line', {
      description: 'The line number, from 1. Null when the problem is about the whole file.',
    }),
    severity: t.expose('severity', {
      type: TrainingFileIssueSeverity,
      nullable: false,
      description: 'The severity of the problem.',
    }),
    message: t.exposeString('message', {
      nullable: false,
      description: 'The problem and its position in the line, for people.',
    }),
  }),
});

export const TrainingFileReport = builder.objectRef<Report>('TrainingFileReport').implement({
  description: 'The validation report of a training file: JSON Lines, with one example per line.',
  fields: (t) => ({
    format: t.expose('format', {
      type: TrainingFormat,
      description: 'The format of the examples. Null when their formats differ, or when the file has no example.',
    }),
    exampleCount: t.exposeInt('exampleCount', { nullable: false, description: 'Number of examples.' }),
    characterCount: t.expose('characterCount', {
      type: 'SafeInt',
      nullable: false,
      description: 'Number of characters of all lines, without line breaks.',
    }),
    longestExample: t.expose('longestExample', {
      type: 'SafeInt',
      nullable: false,
      description: 'Number of characters of the longest line.',
    }),
    duplicateCount: t.exposeInt('duplicateCount', {
      nullable: false,
      description:
        'Number of examples that repeat an earlier line exactly. A lower bound when the file has more than a million different lines.',
    }),
    issues: t.expose('issues', {
      type: [TrainingFileIssue],
      nullable: { list: false, items: false },
      description: 'The first 100 problems, by line.',
    }),
    issueCount: t.exposeInt('issueCount', {
      nullable: false,
      description: 'Number of all problems, including those that `issues` leaves out.',
    }),
    errorCount: t.exposeInt('errorCount', {
      nullable: false,
      description: 'Number of the problems with the severity ERROR.',
    }),
    isComplete: t.exposeBoolean('isComplete', {
      nullable: false,
      description: 'Whether the whole file was read. An upload is read only in part when it has errors early.',
    }),
  }),
});
