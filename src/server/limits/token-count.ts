import { Lexer, Source, TokenKind } from 'graphql';

/** Whether a text has more than `max` tokens. Does not recurse, and reads no further; an invalid token ends the text. */
export function hasMoreTokens(text: string, max: number): boolean {
  const lexer = new Lexer(new Source(text));
  try {
    for (let count = 0; count <= max; count++) if (lexer.advance().kind === TokenKind.EOF) return false;
    return true;
  } catch {
    return false;
  }
}
