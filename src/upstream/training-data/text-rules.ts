import { isObject } from '../json/members.ts';
import { type ExampleIssue, error, requireString, warning } from './example-issue.ts';

// Special tokens of models, and text that UTF-8 cannot encode: half of a surrogate pair, from an emoji that was cut in two (RFC 8259 section 8.2).

/** Whether JSON text has an escaped surrogate, which is the only way to have half a pair in UTF-8. */
export const hasEscapedSurrogate = (text: string): boolean => /\\u[dD][89a-fA-F]/.test(text);

/** Returns an issue for each string of a JSON value that has half of a surrogate pair. */
export function findSurrogateIssues(value: unknown, path = ''): ExampleIssue[] {
  if (typeof value === 'string') return value.isWellFormed() ? [] : [halfPair(path)];
  if (Array.isArray(value)) return value.flatMap((item, index) => findSurrogateIssues(item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const memberPath = join(path, pathName(name));
    const issues = findSurrogateIssues(member, memberPath);
    return name.isWellFormed() ? issues : [halfPair(memberPath), ...issues];
  });
}

const halfPair = (path: string) =>
  error(`${path}: has half of a surrogate pair, such as \\ud83d; expected whole characters, such as \\ud83d\\ude00`);

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);

/** Only names of the formats are shown: other names belong to the file. */
const pathName = (name: string) => (PATH_NAMES.has(name) ? name : '*');

const PATH_NAMES = new Set(
  [
    'messages role content type text refusal image_url url detail name weight',
    'tool_calls id function arguments function_call tool_call_id tools functions description parameters',
    'prompt completion input preferred_output non_preferred_output reference_answer',
  ].flatMap((names) => names.split(' ')),
);

const SPECIAL_TOKEN = /<\|(?:im_start|im_end|im_sep|endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix)\|>/;

/** Returns the issues of a text that the model reads or writes: it is a string, without special tokens. */
export function findTextIssues(text: unknown, path: string): ExampleIssue[] {
  if (typeof text !== 'string') return requireString(text, path);
  const token = text.includes('<|') ? SPECIAL_TOKEN.exec(text)?.[0] : undefined;
  if (token === undefined) return [];
  return [
    warning(`${path}: has the special token ${token}; expected text without it, because OpenAI fails such a job`),
  ];
}
