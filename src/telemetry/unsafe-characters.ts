/**
 * Characters that a terminal interprets, that end a line, that are invisible, or that change the direction of text: control
 * characters, format characters (all bidi controls and zero-width characters), half surrogate pairs, line separators.
 */
const UNSAFE = '[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]';
const RUN = new RegExp(`${UNSAFE}+`, 'gu');
/** Most texts: this test takes a third of the time of the search. */
const PLAIN = /^[\n\t\x20-\x7e]*$/;
const EXCEPT_LAYOUT = new RegExp(`(?![\\n\\t])${UNSAFE}`, 'gu');

/** Returns the text on one line, with a space in place of unsafe characters. */
export const replaceUnsafe = (text: string): string => text.replace(RUN, ' ');

/** Returns the text with unsafe characters as JSON escapes, such as `\u202e`. Keeps line feeds and tabs. */
export const escapeUnsafe = (text: string): string =>
  PLAIN.test(text) ? text : text.replace(EXCEPT_LAYOUT, escapeCharacter);

/** Returns JSON whose texts have every `\u` escape as visible text: a parser does not decode it. */
export const showEscapes = (json: string): string =>
  json.replace(/\\(?:u|.)/gs, (start) => (start === '\\u' ? '\\\\u' : start));

// In UTF-16 units, as in JSON.
const escapeCharacter = (character: string) =>
  Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join('');
const escapeUnit = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;
