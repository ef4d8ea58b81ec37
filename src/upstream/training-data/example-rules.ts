import { isObject, type Members } from '../json/members.ts';
import { typeProblem } from '../json/problem.ts';
import { findImageCountIssues } from './content-part-rules.ts';
import { type ExampleIssue, error, isFilledList, warning } from './example-issue.ts';
import { findMessagesIssues } from './message-rules.ts';
import { findInputImageIssues, findOutputIssues } from './preference-rules.ts';
import { hasRole } from './role.ts';
import { findTextIssues } from './text-rules.ts';
import { findAnswerIssues, pathed } from './tool-answer-rules.ts';
import { findToolsIssues } from './tool-call-rules.ts';

// One line of training data: its format and its issues (docs/upstream.md: Training file rules).

export type TrainingFormat = 'chat' | 'completion' | 'preference' | 'reinforcement';

/** Members of an example of messages that no grader reads. */
const NO_REFERENCES = new Set(['messages', 'tools', 'parallel_tool_calls', 'functions', 'function_call']);

/** The formats that a line can have. */
export interface LineFormat {
  /** The format of the line alone comes first. Empty when the line is not an example. */
  readonly formats: readonly TrainingFormat[];
  /** The format that the line makes probable for the whole file; null when it leaves that open. */
  readonly vote: TrainingFormat | null;
}

/**
 * Returns the formats that a line can have. A last message of the role user is a question without its answer in the format
 * chat, and the normal end in the format reinforcement: members for graders make the latter probable.
 */
export function readFormat(line: Members): LineFormat {
  if ('messages' in line) {
    if (!endsWithRole(line['messages'], 'user')) return CHAT;
    return hasReferences(line) ? PROMPT_FOR_GRADERS : QUESTION;
  }
  if ('prompt' in line || 'completion' in line) return COMPLETION;
  return 'input' in line || 'preferred_output' in line || 'non_preferred_output' in line ? PREFERENCE : NO_EXAMPLE;
}

const CHAT: LineFormat = { formats: ['chat'], vote: 'chat' };
const PROMPT_FOR_GRADERS: LineFormat = { formats: ['reinforcement', 'chat'], vote: 'reinforcement' };
const QUESTION: LineFormat = { formats: ['chat', 'reinforcement'], vote: null };
const COMPLETION: LineFormat = { formats: ['completion'], vote: 'completion' };
const PREFERENCE: LineFormat = { formats: ['preference'], vote: 'preference' };
const NO_EXAMPLE: LineFormat = { formats: [], vote: null };

const hasReferences = (line: Members) => Object.keys(line).some((name) => !NO_REFERENCES.has(name));

const endsWithRole = (messages: unknown, role: string) => isFilledList(messages) && hasRole(messages.at(-1), role);

/** Returns the issues of a line of this format. Unknown members are not issues. */
export function findExampleIssues(line: Members, format: TrainingFormat): ExampleIssue[] {
  switch (format) {
    case 'chat':
      return [...findConversationIssues(line), ...findCallIssues(line), ...findAssistantIssues(line['messages'])];
    case 'reinforcement':
      return [...findConversationIssues(line), ...findCallIssues(line), ...findReinforcementIssues(line)];
    case 'preference':
      return findPreferenceIssues(line);
    case 'completion':
      return ['prompt', 'completion'].flatMap((name) => findTextIssues(line[name], name));
  }
}

function findConversationIssues(line: Members, prefix = ''): ExampleIssue[] {
  const path = `${prefix}messages`;
  const { messages } = line;
  return [
    ...findMessagesIssues(messages, path),
    ...findImageCountIssues(messages, path),
    ...findToolsIssues(line, prefix),
  ];
}

const findCallIssues = ({ messages }: Members) => findAnswerIssues(pathed(messages, 'messages'));

function findPreferenceIssues(line: Members): ExampleIssue[] {
  const { input, preferred_output: preferred, non_preferred_output: nonPreferred } = line;
  const isInput = isObject(input);
  const before = isInput ? pathed(input['messages'], 'input.messages') : [];
  const issues = [
    ...(isInput
      ? findConversationIssues(input, 'input.')
      : [error(`input: ${typeProblem(input)}; expected an object with messages`)]),
    ...(isInput ? findInputImageIssues(input['messages'], 'input.messages') : []),
    ...findOutputIssues(preferred, 'preferred_output', before),
    ...findOutputIssues(nonPreferred, 'non_preferred_output', before),
  ];
  return [...new Map(issues.map((issue) => [issue.message, issue])).values()]; // Both outputs continue the same calls.
}

/** A chat ends with a message of the assistant, and at least one such message has a weight other than 0. */
function findAssistantIssues(messages: unknown): ExampleIssue[] {
  if (!isFilledList(messages)) return [];
  const fromAssistant = messages.filter(isObject).filter((message) => hasRole(message, 'assistant'));
  const isTrained = fromAssistant.length === 0 || fromAssistant.some(({ weight }) => weight !== 0);
  return [
    ...(endsWithRole(messages, 'assistant')
      ? []
      : [error('messages: ends with another role; expected a last message of the role assistant')]),
    ...(isTrained
      ? []
      : [error('messages: has only weights 0; expected a message of the role assistant with weight 1')]),
  ];
}

function findReinforcementIssues(line: Members): ExampleIssue[] {
  const { messages } = line;
  const systemIndexes = isFilledList(messages)
    ? messages.flatMap((message, index) => (hasRole(message, 'system') ? [index] : []))
    : [];
  return [
    ...systemIndexes.map((index) =>
      warning(`messages[${index}].role: is system; expected developer, because some servers reject system here`),
    ),
    ...(hasReferences(line)
      ? []
      : [warning('has only messages; expected another member for the grader, such as reference_answer')]),
  ];
}
