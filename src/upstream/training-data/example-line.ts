import { isWithinDepth, MAX_DEPTH } from '../json/depth.ts';
import { parseJson } from '../json/parse.ts';
import { createJsonTokenCounter, MAX_JSON_TOKENS } from '../json/token-count.ts';
import { type ExampleIssue, error } from './example-issue.ts';
import { findSurrogateIssues, hasEscapedSurrogate } from './text-rules.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lossyUtf8 = new TextDecoder();
const OPENING_BRACE = 0x7b;

/** Whether a line is empty or has only white space. */
export const isBlank = (content: Uint8Array): boolean =>
  content[0] !== OPENING_BRACE && lossyUtf8.decode(content).trim() === '';

/** A line: its JSON value and the issues of its text, or the reason why it has no value. */
export type ParsedLine = { value: unknown; issues: ExampleIssue[] } | { error: ExampleIssue };

/** Parses a line without its line end. */
export function parseLine(content: Uint8Array): ParsedLine {
  // A token takes at least one byte: most lines are too short to have too many.
  if (content.length > MAX_JSON_TOKENS && createJsonTokenCounter().add(content) > MAX_JSON_TOKENS) {
    return { error: error(`has too many JSON values; expected at most ${MAX_JSON_TOKENS} JSON tokens`) };
  }
  let text: string;
  try {
    text = utf8.decode(content);
  } catch {
    return { error: error('is not UTF-8; expected JSON in UTF-8') };
  }
  const value = parseJson(text);
  if (value === undefined) return { error: error('is not JSON; expected one JSON object per line') };
  if (!isWithinDepth(value)) return { error: error(`is nested too deep; expected at most ${MAX_DEPTH} levels`) };
  return { value, issues: hasEscapedSurrogate(text) ? findSurrogateIssues(value) : [] };
}
