import { isObject } from '../../upstream/json/members.ts';
import type { Line } from './jsonl.ts';

/** What the lines of a training file have to be. */
export type ExampleKind = 'chat' | 'completion' | 'preference' | 'prompt';

/** "formless" where a line is another thing altogether; else what is wrong with it, to follow "Example 7 ". */
export type ExampleFault = 'formless' | (string & {});

export function faultOfExample(line: Line, kind: ExampleKind): ExampleFault | null {
  if (line === null) return 'is too long, or no UTF-8.';
  const example = parsed(line);
  if (!isObject(example)) return 'is not a JSON object.';
  switch (kind) {
    case 'completion':
      return faultOfCompletion(example);
    case 'preference':
      return faultOfPreference(example);
    case 'chat':
      return 'messages' in example ? faultOfMessages(example['messages'], 'assistant') : 'formless';
    case 'prompt':
      return 'messages' in example ? faultOfMessages(example['messages'], null) : 'formless';
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function faultOfCompletion({ prompt, completion }: Readonly<Record<string, unknown>>): ExampleFault | null {
  if (prompt === undefined || completion === undefined) return 'formless';
  return typeof prompt === 'string' && typeof completion === 'string' ? null : 'has a prompt that is no string.';
}

function faultOfPreference(example: Readonly<Record<string, unknown>>): ExampleFault | null {
  const { input, preferred_output, non_preferred_output } = example;
  if (!isObject(input) || !preferred_output || !non_preferred_output) return 'formless';
  return (
    faultOfMessages(input['messages'], null) ??
    faultOfMessages(preferred_output, 'assistant') ??
    faultOfMessages(non_preferred_output, 'assistant')
  );
}

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
// Marks between the parts of a conversation: nobody may write them (docs/upstream.md: Errors).
const TOKEN = /<\|(?:im_start|im_end|im_sep|endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix)\|>/;

function faultOfMessages(messages: unknown, lastRole: string | null): ExampleFault | null {
  if (!Array.isArray(messages) || messages.length === 0) return 'has no messages.';
  for (const message of messages) {
    const fault = faultOfMessage(message);
    if (fault !== null) return fault;
  }
  const last = messages.at(-1)?.role;
  return lastRole === null || last === lastRole ? null : `has no last message from the ${lastRole}.`;
}

function faultOfMessage(message: unknown): ExampleFault | null {
  if (!isObject(message)) return 'has a message that is no object.';
  const { role, content, tool_calls, function_call } = message;
  if (typeof role !== 'string' || !ROLES.includes(role)) return `has a message with an unknown role: ${role}.`;
  const hasContent = typeof content === 'string' || Array.isArray(content);
  if (!hasContent && tool_calls === undefined && function_call === undefined) return 'has a message without content.';
  const token = TOKEN.exec(typeof content === 'string' ? content : JSON.stringify(content ?? ''))?.[0];
  return token === undefined ? null : `message contains an invalid token: ${token}.`;
}
