const MAX_LENGTH = 100;

/** Text from a client, quoted for an error message: at most 100 characters, with all but printable ASCII escaped. */
export function quoteInput(text: string): string {
  const part = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
  return JSON.stringify(part).replace(/[^\x20-\x7e]/g, escapeCharacter);
}

const escapeCharacter = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
