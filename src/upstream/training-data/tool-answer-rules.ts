import { isObject } from '../json/members.ts';
import { type ExampleIssue, error, isFilledList } from './example-issue.ts';
import { hasRole } from './role.ts';

// Calls and answers: the messages of the role tool after a message with tool calls answer each call once.

/** A message and its position in the line. */
export interface PathedMessage {
  readonly message: unknown;
  /** Such as `messages[3]`. */
  readonly path: string;
}

/** Returns the messages of a list with their positions; none when it is no list. */
export const pathed = (messages: unknown, path: string): readonly PathedMessage[] =>
  isFilledList(messages) ? messages.map((message, index) => ({ message, path: `${path}[${index}]` })) : [];

/** A call of the latest message with tool calls. */
interface OpenCall {
  readonly id: unknown;
  readonly path: string;
  isAnswered: boolean;
}

/** Returns the issues of a conversation. Calls of its last message need no answer: the model is trained to make them. */
export function findAnswerIssues(messages: readonly PathedMessage[]): ExampleIssue[] {
  const issues: ExampleIssue[] = [];
  let calls: OpenCall[] = [];
  for (const { message, path } of messages) {
    if (isObject(message) && hasRole(message, 'tool')) {
      issues.push(...answer(calls, message['tool_call_id'], `${path}.tool_call_id`));
    } else {
      issues.push(...findUnanswered(calls));
      calls = callsOf(message, path);
    }
  }
  return hasRole(messages.at(-1)?.message, 'tool') ? [...issues, ...findUnanswered(calls)] : issues;
}

function callsOf(message: unknown, path: string): OpenCall[] {
  if (!isObject(message) || !hasRole(message, 'assistant')) return [];
  const { tool_calls: calls } = message;
  if (!isFilledList(calls)) return [];
  return calls.map((call, index) => ({
    id: isObject(call) ? call['id'] : undefined,
    path: `${path}.tool_calls[${index}]`,
    isAnswered: false,
  }));
}

function answer(calls: readonly OpenCall[], id: unknown, path: string): ExampleIssue[] {
  if (typeof id !== 'string') return []; // An issue of the message.
  const withId = calls.filter((call) => call.id === id);
  const open = withId.find((call) => !call.isAnswered);
  if (open) open.isAnswered = true;
  if (open) return [];
  return withId.length > 0
    ? [error(`${path}: answers a call that is already answered; expected one message of the role tool for each call`)]
    : [
        error(
          `${path}: is the id of no call; expected the id of a tool call in the message of the role assistant before`,
        ),
      ];
}

const findUnanswered = (calls: readonly OpenCall[]): ExampleIssue[] =>
  calls
    .filter((call) => !call.isAnswered)
    .map(({ path }) => error(`${path}: is not answered; expected a message of the role tool with its id next`));
