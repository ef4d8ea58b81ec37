import { isObject, type Members } from '../json/members.ts';

// One line of training data: what it shows, and what is wrong with it (docs/upstream.md: Training file rules).

/** What a line is an example of. */
export type TrainingFormat = 'chat' | 'completion' | 'preference';

export interface ExampleIssue {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

const error = (message: string): ExampleIssue => ({ severity: 'error', message });

/** Which form a line has; null when it has none. */
export function detectFormat(line: unknown): TrainingFormat | null {
  if (!isObject(line)) return null;
  if ('messages' in line) return 'chat';
  if ('prompt' in line || 'completion' in line) return 'completion';
  return 'input' in line || 'preferred_output' in line || 'non_preferred_output' in line ? 'preference' : null;
}

/** What is wrong with a line of this form. Of members that we do not know nothing is. */
export function findExampleIssues(line: Members, format: TrainingFormat): ExampleIssue[] {
  if (format === 'chat')
    return [
      ...faultsOfMessages(line['messages'], 'messages'),
      ...faultsOfTools(line),
      ...faultsOfEnd(line['messages']),
    ];
  if (format === 'preference') return faultsOfPreference(line);
  return ['prompt', 'completion']
    .filter((name) => typeof line[name] !== 'string')
    .map((name) => error(`${name}: expected a text`));
}

function faultsOfPreference(line: Members): ExampleIssue[] {
  const { input, preferred_output: preferred, non_preferred_output: other } = line;
  if (!isObject(input)) return [error('input: expected an object with messages')];
  return [
    ...faultsOfMessages(input['messages'], 'input.messages'),
    ...faultsOfTools(input, 'input.'),
    ...faultsOfOutput(preferred, 'preferred_output'),
    ...faultsOfOutput(other, 'non_preferred_output'),
  ];
}

function faultsOfOutput(output: unknown, at: string): ExampleIssue[] {
  const isFromAssistant =
    Array.isArray(output) && output.every((message) => isObject(message) && message['role'] === 'assistant');
  return [
    ...faultsOfMessages(output, at),
    ...(Array.isArray(output) && !isFromAssistant ? [error(`${at}: expected messages of the role assistant`)] : []),
  ];
}

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

function faultsOfMessages(messages: unknown, at: string): ExampleIssue[] {
  if (!Array.isArray(messages) || messages.length === 0) return [error(`${at}: expected a list of messages`)];
  return messages.flatMap((message: unknown, place) => faultsOfMessage(message, `${at}.${place}`));
}

function faultsOfMessage(message: unknown, at: string): ExampleIssue[] {
  if (!isObject(message)) return [error(`${at}: expected an object`)];
  const { role, content, weight } = message;
  const isRole = typeof role === 'string' && ROLES.has(role);
  const calls = message['tool_calls'] ?? message['function_call'];
  const hasContent = typeof content === 'string' || (Array.isArray(content) && content.length > 0);
  const mayLackContent = role === 'assistant' && (calls != null || message['refusal'] != null);
  return [
    ...(isRole ? [] : [error(`${at}.role: expected one of ${[...ROLES].join(', ')}`)]),
    ...(hasContent || (content == null && mayLackContent)
      ? []
      : [error(`${at}.content: expected a text or a list of parts`)]),
    ...(message['tool_calls'] == null ? [] : faultsOfCalls(message['tool_calls'], `${at}.tool_calls`)),
    ...(role === 'tool' && typeof message['tool_call_id'] !== 'string'
      ? [error(`${at}.tool_call_id: expected a text`)]
      : []),
    ...(weight == null || weight === 0 || weight === 1 ? [] : [error(`${at}.weight: expected 0 or 1`)]),
    ...(weight != null && isRole && role !== 'assistant'
      ? [error(`${at}.weight: expected only at the role assistant`)]
      : []),
  ];
}

function faultsOfCalls(calls: unknown, at: string): ExampleIssue[] {
  if (!Array.isArray(calls) || calls.length === 0) return [error(`${at}: expected a list of calls`)];
  return calls.flatMap((call: unknown, place) => {
    const called = isObject(call) ? call['function'] : null;
    const isCall = isObject(called) && typeof called['name'] === 'string' && typeof called['arguments'] === 'string';
    return isCall ? [] : [error(`${at}.${place}.function: expected a name and its arguments as a text`)];
  });
}

function faultsOfTools({ tools }: Members, at = ''): ExampleIssue[] {
  if (tools == null) return [];
  if (!Array.isArray(tools)) return [error(`${at}tools: expected a list`)];
  return tools.flatMap((tool: unknown, place) => {
    const described = isObject(tool) ? tool['function'] : null;
    const isTool = isObject(described) && typeof described['name'] === 'string';
    return isTool ? [] : [error(`${at}tools.${place}.function: expected an object with a name`)];
  });
}

function faultsOfEnd(messages: unknown): ExampleIssue[] {
  if (!Array.isArray(messages) || messages.length === 0) return [];
  const roles = messages.map((message: unknown) => (isObject(message) ? message['role'] : null));
  const isLearned = messages.some(
    (message: unknown) => isObject(message) && message['role'] === 'assistant' && message['weight'] !== 0,
  );
  return [
    ...(roles.at(-1) === 'assistant' ? [] : [error('messages: expected the last one to be of the role assistant')]),
    ...(isLearned || !roles.includes('assistant')
      ? []
      : [error('messages: expected one of the role assistant with a weight that is not 0')]),
  ];
}
