const MAX_LENGTH = 100;

/** Quotes text from a client for an error message. Truncates it to 100 characters and escapes all but printable ASCII. */
export function quoteInput(text: string): string {
  const part = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
  return JSON.stringify(part).replace(/[^\x20-\x7e]/g, escapeCharacter);
}

const escapeCharacter = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
