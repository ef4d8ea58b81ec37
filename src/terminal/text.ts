import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Characters that a terminal interprets instead of showing them, including those that change the direction of text. */
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Text from the gateway without control characters, on one line. */
export const clean = (text: string): string => text.replace(CONTROL, ' ').trim();

/** The text in at most `width` columns. A truncated text ends in an ellipsis. Never splits a grapheme. */
export function truncate(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  if (width < 1) return '';
  let result = '';
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(result + segment) > width - 1) break;
    result += segment;
  }
  return `${result}…`;
}

/** The text in exactly `width` columns. */
export function padded(text: string, width: number): string {
  const short = truncate(text, width);
  return short + ' '.repeat(Math.max(0, width - stringWidth(short)));
}
