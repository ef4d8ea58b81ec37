import type { TrainingIssue } from '../../upstream/training-data/training-data.ts';
import type { TrainingFileReport as Report } from '../../upstream/training-data/validating-stream.ts';
import { builder } from '../core/builder.ts';

/** As much as a training file can be to read is as heavy as so many objects in an answer. */
export const OBJECTS_PER_CHECK = 5000;

const TrainingFormat = builder.enumType('TrainingFormat', {
  description: 'What the lines of a training file are examples of.',
  values: {
    CHAT: { value: 'chat', description: 'Conversations: `messages`, the last of them from the assistant.' },
    COMPLETION: { value: 'completion', description: 'Texts to go on from: `prompt` and `completion`.' },
    PREFERENCE: {
      value: 'preference',
      description: 'An `input` with two answers, `preferred_output` and `non_preferred_output`.',
    },
  } as const,
});

const TrainingFileIssueSeverity = builder.enumType('TrainingFileIssueSeverity', {
  description: 'How bad something in a training file is.',
  values: {
    ERROR: { value: 'error', description: 'No job can train on the file.' },
    WARNING: { value: 'warning', description: 'Worth a look; the file can be used, or some server may refuse it.' },
  } as const,
});

const TrainingFileIssue = builder.objectRef<TrainingIssue>('TrainingFileIssue').implement({
  description: 'Something in a training file that is not as it should be.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'In which line, from 1; null when it is about the whole file.' }),
    severity: t.expose('severity', {
      type: TrainingFileIssueSeverity,
      nullable: false,
      description: 'How bad it is.',
    }),
    message: t.exposeString('message', { nullable: false, description: 'What was expected, and where in the line.' }),
  }),
});

export const TrainingFileReport = builder.objectRef<Report>('TrainingFileReport').implement({
  description: 'What stands in a training file: JSON Lines, an example in each.',
  fields: (t) => ({
    format: t.expose('format', {
      type: TrainingFormat,
      description: 'What its lines are examples of; null when they differ, or there is none.',
    }),
    exampleCount: t.exposeInt('exampleCount', { nullable: false, description: 'How many examples there are.' }),
    characterCount: t.expose('characterCount', {
      type: 'SafeInt',
      nullable: false,
      description: 'Characters of all lines, without their ends.',
    }),
    longestExample: t.expose('longestExample', {
      type: 'SafeInt',
      nullable: false,
      description: 'Characters of the longest line.',
    }),
    duplicateCount: t.exposeInt('duplicateCount', {
      nullable: false,
      description: 'Examples that stood there before, to the byte; at least so many past a million different ones.',
    }),
    issues: t.expose('issues', {
      type: [TrainingFileIssue],
      nullable: { list: false, items: false },
      description: 'What is not as it should be, by lines: the first 100.',
    }),
    issueCount: t.exposeInt('issueCount', { nullable: false, description: 'How many there are in all.' }),
    errorCount: t.exposeInt('errorCount', { nullable: false, description: 'How many of them are errors.' }),
    isComplete: t.exposeBoolean('isComplete', {
      nullable: false,
      description: 'Whether all of the file was read: an upload is not read to its end when it has errors early on.',
    }),
  }),
});
