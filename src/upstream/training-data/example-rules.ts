import { isObject, type Members } from '../json/members.ts';
import { contentProblem, typeProblem } from '../json/problem.ts';

// One line of training data: its format and its issues (docs/upstream.md: Training file rules). Messages quote nothing of
// the file.

export type TrainingFormat = 'chat' | 'completion' | 'preference';

export interface ExampleIssue {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

const error = (message: string): ExampleIssue => ({ severity: 'error', message });

/** Returns the format of a line; null when it is not an example. */
export function detectFormat(line: unknown): TrainingFormat | null {
  if (!isObject(line)) return null;
  if ('messages' in line) return 'chat';
  if ('prompt' in line || 'completion' in line) return 'completion';
  return 'input' in line || 'preferred_output' in line || 'non_preferred_output' in line ? 'preference' : null;
}

/** Returns the issues of a line of this format. Unknown members are not issues. */
export function findExampleIssues(line: Members, format: TrainingFormat): ExampleIssue[] {
  switch (format) {
    case 'chat':
      return [
        ...findMessagesIssues(line['messages'], 'messages'),
        ...findToolsIssues(line),
        ...findAssistantIssues(line['messages']),
      ];
    case 'preference':
      return findPreferenceIssues(line);
    case 'completion':
      return ['prompt', 'completion'].flatMap((name) => requireString(line[name], name));
  }
}

function findPreferenceIssues(line: Members): ExampleIssue[] {
  const { input, preferred_output: preferred, non_preferred_output: nonPreferred } = line;
  if (!isObject(input)) return [error(`input: ${typeProblem(input)}; expected an object with messages`)];
  return [
    ...findMessagesIssues(input['messages'], 'input.messages'),
    ...findToolsIssues(input, 'input.'),
    ...findOutputIssues(preferred, 'preferred_output'),
    ...findOutputIssues(nonPreferred, 'non_preferred_output'),
  ];
}

function findOutputIssues(output: unknown, path: string): ExampleIssue[] {
  const isFromAssistant = !Array.isArray(output) || output.every(isAssistantMessage);
  return [
    ...findMessagesIssues(output, path),
    ...(isFromAssistant ? [] : [error(`${path}: has a message of another role; expected only the role assistant`)]),
  ];
}

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

function findMessagesIssues(messages: unknown, path: string): ExampleIssue[] {
  if (!isFilledList(messages)) return [error(`${path}: ${contentProblem(messages)}; expected a list of messages`)];
  return messages.flatMap((message, index) => findMessageIssues(message, `${path}.${index}`));
}

function findMessageIssues(message: unknown, path: string): ExampleIssue[] {
  if (!isObject(message)) return [error(`${path}: ${typeProblem(message)}; expected an object with role and content`)];
  const { role, content, tool_calls: toolCalls, tool_call_id: toolCallId } = message;
  const hasContent = typeof content === 'string' || isFilledList(content);
  const isCallOrRefusal = (toolCalls ?? message['function_call'] ?? message['refusal']) != null;
  const mayLackContent = content == null && role === 'assistant' && isCallOrRefusal;
  return [
    ...(isKnownRole(role)
      ? []
      : [error(`${path}.role: ${roleProblem(role)}; expected one of ${[...ROLES].join(', ')}`)]),
    ...(hasContent || mayLackContent
      ? []
      : [error(`${path}.content: ${contentProblem(content)}; expected a string or a list of content parts`)]),
    ...(toolCalls == null ? [] : findToolCallsIssues(toolCalls, `${path}.tool_calls`)),
    ...(role === 'tool' ? requireString(toolCallId, `${path}.tool_call_id`) : []),
    ...(message['weight'] == null ? [] : findWeightIssues(message, `${path}.weight`)),
  ];
}

function findWeightIssues({ role, weight }: Members, path: string): ExampleIssue[] {
  return [
    ...(weight === 0 || weight === 1 ? [] : [error(`${path}: is invalid; expected 0 or 1`)]),
    ...(role === 'assistant' || !isKnownRole(role)
      ? []
      : [error(`${path}: is on another role; expected it only on the role assistant`)]),
  ];
}

function findToolCallsIssues(calls: unknown, path: string): ExampleIssue[] {
  if (!isFilledList(calls)) return [error(`${path}: ${contentProblem(calls)}; expected a list of tool calls`)];
  return calls.flatMap((call, index) => {
    const called = isObject(call) ? call['function'] : null;
    const isCall = isObject(called) && typeof called['name'] === 'string' && typeof called['arguments'] === 'string';
    return isCall ? [] : [error(`${path}.${index}.function: is invalid; expected the strings name and arguments`)];
  });
}

function findToolsIssues({ tools }: Members, prefix = ''): ExampleIssue[] {
  if (tools == null) return [];
  if (!Array.isArray(tools)) return [error(`${prefix}tools: ${typeProblem(tools)}; expected a list of tools`)];
  return tools.flatMap((tool: unknown, index) => {
    const described = isObject(tool) ? tool['function'] : null;
    const isTool = isObject(described) && typeof described['name'] === 'string';
    return isTool
      ? []
      : [error(`${prefix}tools.${index}.function: is invalid; expected an object with the string name`)];
  });
}

/** A chat ends with a message of the assistant, and at least one such message has a weight other than 0. */
function findAssistantIssues(messages: unknown): ExampleIssue[] {
  if (!isFilledList(messages)) return [];
  const fromAssistant = messages.filter(isAssistantMessage);
  const isTrained = fromAssistant.length === 0 || fromAssistant.some(({ weight }) => weight !== 0);
  return [
    ...(isAssistantMessage(messages.at(-1))
      ? []
      : [error('messages: ends with another role; expected a last message of the role assistant')]),
    ...(isTrained
      ? []
      : [error('messages: has only weights 0; expected a message of the role assistant with weight 1')]),
  ];
}

const isKnownRole = (role: unknown): boolean => typeof role === 'string' && ROLES.has(role);

const roleProblem = (role: unknown) => (typeof role === 'string' ? 'is unknown' : typeProblem(role));

const isAssistantMessage = (message: unknown): message is Members =>
  isObject(message) && message['role'] === 'assistant';

const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

const requireString = (value: unknown, path: string): ExampleIssue[] =>
  typeof value === 'string' ? [] : [error(`${path}: ${typeProblem(value)}; expected a string`)];
