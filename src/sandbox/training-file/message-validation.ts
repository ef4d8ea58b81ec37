import { isObject, type Members, membersOf } from '../../upstream/json/members.ts';

// The published rules for messages (docs/upstream.md: Training file rules). Each function returns the first issue: the
// rest of a message after "Example 7 ", or null.

/** The issues of one message. */
export function findMessageIssue(message: Members): string | null {
  const { role, content, tool_calls, function_call } = message;
  const calls = Array.isArray(tool_calls) ? tool_calls : [];
  if (tool_calls != null && calls.length === 0) return 'has a message with tool_calls that are no list, or empty.';
  if (!calls.every(isToolCall) || !(function_call == null || isCall(function_call))) {
    return 'has a call without the strings name and arguments.';
  }
  return Array.isArray(content) ? findPartIssue(content, role) : null;
}

const isToolCall = (call: unknown) => isObject(call) && (call['type'] === 'custom' || isCall(call['function']));

const isCall = (called: unknown) =>
  isObject(called) && typeof called['name'] === 'string' && typeof called['arguments'] === 'string';

function findPartIssue(parts: readonly unknown[], role: unknown): string | null {
  if (parts.length === 0) return 'has a message without content.';
  for (const part of parts) {
    if (!isObject(part)) return 'has a content part that is no object.';
    const { type, text, refusal, image_url } = part;
    const isText = (type === 'text' && typeof text === 'string') || (type === 'refusal' && typeof refusal === 'string');
    const isImage = type === 'image_url' && isObject(image_url) && typeof image_url['url'] === 'string';
    if (!isText && !isImage) return 'has an invalid content part.';
    if (isImage && role !== 'user') return `has an image in a message of the role ${role}.`;
    if (type === 'refusal' && role !== 'assistant') return `has a refusal in a message of the role ${role}.`;
  }
  return null;
}

/** The issues of calls and answers in a conversation. Its last message may have calls without answers. */
export function findAnswerIssue(messages: readonly Members[]): string | null {
  let open = new Map<unknown, number>(); // The number of calls without an answer, by id.
  for (const { role, tool_calls, tool_call_id: id } of messages) {
    if (role === 'tool') {
      const count = open.get(id);
      if (count === undefined) return 'has a message of the role tool that answers no open tool call.';
      if (count > 1) open.set(id, count - 1);
      else open.delete(id);
    } else {
      if (open.size > 0) return UNANSWERED;
      open = role === 'assistant' && Array.isArray(tool_calls) ? countById(tool_calls) : new Map();
    }
  }
  return open.size > 0 && messages.at(-1)?.['role'] === 'tool' ? UNANSWERED : null;
}

function countById(calls: readonly unknown[]): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const call of calls) {
    const { id } = membersOf(call);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

const UNANSWERED = 'has a tool call that no message of the role tool answers.';

const MAX_IMAGES = 64;

export function findImageCountIssue(messages: readonly Members[]): string | null {
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
  const count = parts.filter((part) => isObject(part) && part['type'] === 'image_url').length;
  return count > MAX_IMAGES ? `has ${count} images, but must have at most ${MAX_IMAGES}.` : null;
}

/** Whether each string of a JSON value consists of whole characters, so that UTF-8 can encode it. */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (Array.isArray(value)) return value.every(isWellFormed);
  return !isObject(value) || Object.entries(value).flat().every(isWellFormed);
}
