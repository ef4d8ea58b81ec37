import { isObject, type Members } from '../../upstream/json/members.ts';
import type { Line } from './jsonl.ts';
import { findAnswerIssue, findImageCountIssue, findMessageIssue, isWellFormed } from './message-validation.ts';

/** The format of the examples of a training file. */
export type ExampleKind = 'chat' | 'completion' | 'preference' | 'prompt';

/** `wrong_format` for an example of another kind; else the rest of the message after "Example 7 ". */
export type ExampleIssue = 'wrong_format' | (string & {});

/** Returns the first issue of an example, or null for a valid one. */
export function findExampleIssue(line: Line, kind: ExampleKind): ExampleIssue | null {
  if (line === null) return 'is too long, or no UTF-8.';
  const example = parseJson(line);
  if (!isObject(example)) return 'is not a JSON object.';
  if (!isWellFormed(example)) return 'has half of a surrogate pair.';
  switch (kind) {
    case 'completion':
      return findCompletionIssue(example);
    case 'preference':
      return findPreferenceIssue(example);
    case 'chat':
      return 'messages' in example ? findMessagesIssue(example['messages'], 'assistant') : 'wrong_format';
    case 'prompt':
      return 'messages' in example ? findMessagesIssue(example['messages'], 'user') : 'wrong_format';
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function findCompletionIssue({ prompt, completion }: Members): ExampleIssue | null {
  if (prompt === undefined || completion === undefined) return 'wrong_format';
  return typeof prompt === 'string' && typeof completion === 'string' ? null : 'has a prompt that is no string.';
}

function findPreferenceIssue(example: Members): ExampleIssue | null {
  const { input, preferred_output, non_preferred_output } = example;
  if (!isObject(input) || !preferred_output || !non_preferred_output) return 'wrong_format';
  const { messages } = input;
  return (
    findEachIssue(messages) ??
    findOutputIssue(messages, preferred_output) ??
    findOutputIssue(messages, non_preferred_output)
  );
}

/** The messages of the input are valid, and the output continues them. */
function findOutputIssue(input: unknown, output: unknown): ExampleIssue | null {
  const issue = findEachIssue(output);
  if (issue !== null) return issue;
  const messages = output as Members[]; // Each is valid.
  if (!messages.some(({ role }) => role === 'assistant')) return 'has an output without a message from the assistant.';
  if (!messages.every(({ role }) => role === 'assistant' || role === 'tool')) return 'has an output of another role.';
  return findAnswerIssue([...(input as Members[]), ...messages]);
}

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
// Special tokens of the chat format: a file may not contain them (docs/upstream.md: Errors).
const SPECIAL_TOKEN = /<\|(?:im_start|im_end|im_sep|endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix)\|>/;

function findMessagesIssue(messages: unknown, lastRole: string): ExampleIssue | null {
  const issue = findEachIssue(messages);
  if (issue !== null) return issue;
  const valid = messages as Members[]; // Each is valid.
  return (
    findAnswerIssue(valid) ?? (valid.at(-1)?.['role'] === lastRole ? null : `has no last message from the ${lastRole}.`)
  );
}

function findEachIssue(messages: unknown): ExampleIssue | null {
  if (!Array.isArray(messages) || messages.length === 0) return 'has no messages.';
  for (const message of messages) {
    const issue = findIssueOf(message);
    if (issue !== null) return issue;
  }
  return findImageCountIssue(messages);
}

function findIssueOf(message: unknown): ExampleIssue | null {
  if (!isObject(message)) return 'has a message that is no object.';
  const { role, content, tool_calls, function_call, refusal } = message;
  if (typeof role !== 'string' || !ROLES.includes(role)) return `has a message with an unknown role: ${role}.`;
  const hasContent = typeof content === 'string' || Array.isArray(content);
  const mayLackContent = role === 'assistant' && (tool_calls ?? function_call ?? refusal) != null;
  if (!hasContent && !mayLackContent) return 'has a message without content.';
  const token = SPECIAL_TOKEN.exec(typeof content === 'string' ? content : JSON.stringify(content ?? ''))?.[0];
  return token === undefined ? findMessageIssue(message) : `message contains an invalid token: ${token}.`;
}
