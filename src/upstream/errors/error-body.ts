import { isWithinDepth } from '../json/depth.ts';
import { isObject, type Members, membersOf } from '../json/members.ts';
import { parseJson } from '../json/parse.ts';

// The bodies of error responses. Servers and the proxies before them use many forms (docs/upstream.md: Errors).

/** The body of an error response. */
export interface ErrorBody {
  code: string | null;
  /** The sentence for people, without quotes and brackets around it; empty when there is none. */
  message: string;
  /** Where the message is: in the error object of the dialect, in JSON of another form, in plain text, or in another page. */
  form: 'error object' | 'json' | 'text' | 'page';
}

/** Maximum messages that are joined when the body has a list. */
const MAX_MESSAGES = 5;

/** Members that hold the message of an error object, in order of preference. */
const MESSAGE_MEMBERS = [
  'message',
  'msg',
  'detail',
  'error_description',
  'description',
  'reason',
  'title',
  'error',
] as const;

const TOO_DEEP = 'nested too deep';

/** Parses the body of an error response. Never throws. `contentType` is the header of the response. */
export function readErrorBody(text: string, contentType?: unknown): ErrorBody {
  const parsed = parseJson(text);
  const body = Array.isArray(parsed) && isObject(parsed[0]) ? parsed[0] : parsed; // Google's servers send a list.
  if (typeof body === 'string') return { code: null, message: body.trim(), form: 'json' };
  const members = membersOf(body);
  const { error, ...others } = members;
  if (isObject(error)) {
    return {
      code: codeIn(error, members, firstOf(error['errors'])),
      message: messageIn(error) || textIn(error) || (outerMessage(others) ?? ''),
      form: 'error object',
    };
  }
  const message = outerMessage(members);
  if (message === null) return { code: null, message: text, form: isPlainText(text, contentType) ? 'text' : 'page' };
  return { code: codeIn(members, members['detail'], firstOf(members['errors'])), message, form: 'json' };
}

/** Returns whether a 404 is about the endpoint, not the object: the server lacks it, or the base URL is wrong. */
export function isMissingEndpoint({ code, message, form }: ErrorBody): boolean {
  if (form === 'text' || form === 'page' || message.startsWith('Invalid URL')) return true;
  // Azure's services have other codes than its router.
  if (message === 'Resource not found') return code === '404' || form === 'json';
  return form === 'json' && message === 'Not Found';
}

/** The message of a body without an error object; null when the body has no known member. */
function outerMessage(members: Members): string | null {
  const { error, error_description: description, errors, ...others } = members;
  // OAuth has a code in `error`, and the sentence beside it.
  if (typeof error === 'string' && typeof description === 'string') return description.trim();
  const message = messageIn({ error, ...others });
  const details = textOf(errors);
  if (message && details && !message.includes(details)) return `${message}: ${details}`; // As in RFC 9457, `title` and `errors`.
  if (message || details) return message || details;
  return [...MESSAGE_MEMBERS, 'errors'].some((name) => members[name] != null) ? '' : null;
}

/** The text of the first member that holds a message. */
function messageIn(members: Members): string {
  for (const name of MESSAGE_MEMBERS) {
    const text = textOf(members[name]);
    if (text !== '') return text;
  }
  return '';
}

/** The text of a message in any form: of a list its items, of an object its message or that of each field. */
function textOf(value: unknown): string {
  if (value == null) return '';
  if (typeof value === 'string') return value.trim();
  if (!isWithinDepth(value)) return TOO_DEEP; // JSON.stringify would overflow the stack.
  if (Array.isArray(value)) return joined(value, itemText);
  if (!isObject(value)) return JSON.stringify(value);
  return objectText(value) || JSON.stringify(value);
}

const textIn = (value: Members) => (isWithinDepth(value) ? objectText(value) : TOO_DEEP);

/** The message of an object with the field that it is about: `training_file: field required`. Empty when it has none. */
function objectText(value: Members): string {
  const message = MESSAGE_MEMBERS.map((name) => value[name]).find((text) => typeof text === 'string' && text !== '');
  if (typeof message === 'string') return fieldOf(value) + message.trim();
  if (value['errors'] != null) return textOf(value['errors']);
  const fields = Object.entries(value); // `{"suffix": ["is too long"]}`, as Rails and ASP.NET send it.
  const isFieldMap = fields.length > 0 && fields.every(([, item]) => isTexts(item));
  return isFieldMap ? joined(fields, ([name, item]) => `${name}: ${textOf(item)}`) : '';
}

const itemText = (item: unknown) => (isObject(item) ? objectText(item) || JSON.stringify(item) : textOf(item));

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');

/** The path of FastAPI's `loc` without its first member, which is always the body. */
function fieldOf({ loc }: Members): string {
  if (!Array.isArray(loc)) return '';
  const path = loc.filter((part) => typeof part === 'string' || typeof part === 'number');
  const field = (path[0] === 'body' ? path.slice(1) : path).join('.');
  return field === '' ? '' : `${field}: `;
}

function joined<T>(items: readonly T[], toText: (item: T) => string): string {
  const texts = items.slice(0, MAX_MESSAGES).map(toText).filter(Boolean);
  const more = items.length > MAX_MESSAGES ? [`and ${items.length - MAX_MESSAGES} more`] : [];
  return [...texts, ...more].join('; ');
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined);

function codeIn(...objects: readonly unknown[]): string | null {
  const codes = objects.map((object) => membersOf(object)['code']);
  return codes.find((code) => typeof code === 'string') ?? null;
}

const MARKUP = /<[a-z!/?]/i;
const STACK_TRACE = /^Traceback |^\s+at .+:\d+/m;

/** Whether a body that is not JSON is a sentence for people: not a page, a stack trace, or JSON that was cut off. */
function isPlainText(text: string, contentType: unknown): boolean {
  const type = typeof contentType === 'string' ? contentType.trim().toLowerCase() : 'text/plain';
  return /^(text\/(plain|html)|application\/json)\b/.test(type) && !/^\s*[{["]/.test(text) && !isTechnical(text);
}

const isTechnical = (text: string) => MARKUP.test(text) || STACK_TRACE.test(text);
