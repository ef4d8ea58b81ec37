import { isObject, type Members } from '../json/members.ts';
import { contentProblem, typeProblem } from '../json/problem.ts';
import { findContentPartsIssues } from './content-part-rules.ts';
import { type ExampleIssue, error, isFilledList, requireString } from './example-issue.ts';
import { isKnownRole, ROLES } from './role.ts';
import { findTextIssues } from './text-rules.ts';
import { findFunctionCallIssues, findToolCallsIssues } from './tool-call-rules.ts';

/** Returns the issues of each message of a list. */
export function findMessagesIssues(messages: unknown, path: string): ExampleIssue[] {
  if (!isFilledList(messages)) return [error(`${path}: ${contentProblem(messages)}; expected a list of messages`)];
  return messages.flatMap((message, index) => findMessageIssues(message, `${path}[${index}]`));
}

function findMessageIssues(message: unknown, path: string): ExampleIssue[] {
  if (!isObject(message)) return [error(`${path}: ${typeProblem(message)}; expected an object with role and content`)];
  const { role, tool_calls: toolCalls, function_call: functionCall } = message;
  return [
    ...findRoleIssues(role, `${path}.role`),
    ...findContentIssues(message, `${path}.content`),
    ...(toolCalls == null ? [] : findToolCallsIssues(toolCalls, `${path}.tool_calls`)),
    ...(functionCall == null ? [] : findFunctionCallIssues(functionCall, `${path}.function_call`)),
    ...(role === 'tool' ? requireString(message['tool_call_id'], `${path}.tool_call_id`) : []),
    ...(role === 'function' ? requireString(message['name'], `${path}.name`) : []),
    ...(message['weight'] == null ? [] : findWeightIssues(message, `${path}.weight`)),
  ];
}

function findRoleIssues(role: unknown, path: string): ExampleIssue[] {
  if (isKnownRole(role)) return [];
  const problem = typeof role === 'string' ? 'is unknown' : typeProblem(role);
  return [error(`${path}: ${problem}; expected one of ${[...ROLES].join(', ')}`)];
}

function findContentIssues(message: Members, path: string): ExampleIssue[] {
  const { role, content } = message;
  if (typeof content === 'string') return findTextIssues(content, path);
  if (isFilledList(content)) return findContentPartsIssues(content, role, path);
  const isCallOrRefusal = (message['tool_calls'] ?? message['function_call'] ?? message['refusal']) != null;
  if (content == null && role === 'assistant' && isCallOrRefusal) return [];
  return [error(`${path}: ${contentProblem(content)}; expected a string or a list of content parts`)];
}

function findWeightIssues({ role, weight }: Members, path: string): ExampleIssue[] {
  return [
    ...(weight === 0 || weight === 1 ? [] : [error(`${path}: is invalid; expected 0 or 1`)]),
    ...(role === 'assistant' || !isKnownRole(role)
      ? []
      : [error(`${path}: is on another role; expected it only on the role assistant`)]),
  ];
}
