import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The joiner of an emoji of several parts. Between other characters it is invisible. */
const EMOJI_JOINER = /(?<=\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d(?=\p{Extended_Pictographic})/u;
/** Characters that a terminal interprets or hides, including those that change the direction of text. */
const CONTROL = new RegExp(`(?!${EMOJI_JOINER.source})[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]`, 'gu');

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
