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

interface OpenCall {
  readonly path: string;
  isAnswered: boolean;
}

/** The calls of one id, in their order. */
interface CallsOfId {
  readonly calls: OpenCall[];
  answerCount: number;
}

/** The calls of the latest message, also by id: a message can have tens of thousands. */
interface OpenCalls {
  readonly all: readonly OpenCall[];
  readonly byId: ReadonlyMap<unknown, CallsOfId>;
}

const NO_CALLS: OpenCalls = { all: [], byId: new Map() };

/** Returns the issues of a conversation. Calls of its last message need no answer: the model is trained to make them. */
export function findAnswerIssues(messages: readonly PathedMessage[]): ExampleIssue[] {
  const issues: ExampleIssue[][] = []; // Lists: a list can have more items than a call of push may have arguments.
  let calls = NO_CALLS;
  for (const { message, path } of messages) {
    if (isObject(message) && hasRole(message, 'tool')) {
      issues.push(answer(calls, message['tool_call_id'], `${path}.tool_call_id`));
    } else {
      issues.push(findUnanswered(calls));
      calls = callsOf(message, path);
    }
  }
  if (hasRole(messages.at(-1)?.message, 'tool')) issues.push(findUnanswered(calls));
  return issues.flat();
}

function callsOf(message: unknown, path: string): OpenCalls {
  if (!isObject(message) || !hasRole(message, 'assistant') || !isFilledList(message['tool_calls'])) return NO_CALLS;
  const byId = new Map<unknown, CallsOfId>();
  const all = message['tool_calls'].map((value, index) => {
    const call = { path: `${path}.tool_calls[${index}]`, isAnswered: false };
    const id = isObject(value) ? value['id'] : undefined;
    const ofId = byId.get(id);
    if (ofId) ofId.calls.push(call);
    else byId.set(id, { calls: [call], answerCount: 0 });
    return call;
  });
  return { all, byId };
}

function answer({ byId }: OpenCalls, id: unknown, path: string): ExampleIssue[] {
  if (typeof id !== 'string') return []; // An issue of the message.
  const ofId = byId.get(id);
  if (ofId === undefined) {
    return [
      error(
        `${path}: is the id of no call; expected the id of a tool call in the message of the role assistant before`,
      ),
    ];
  }
  const open = ofId.calls[ofId.answerCount++];
  if (open === undefined) {
    return [
      error(`${path}: answers a call that is already answered; expected one message of the role tool for each call`),
    ];
  }
  open.isAnswered = true;
  return [];
}

const findUnanswered = ({ all }: OpenCalls): ExampleIssue[] =>
  all
    .filter((call) => !call.isAnswered)
    .map(({ path }) => error(`${path}: is not answered; expected a message of the role tool with its id next`));
