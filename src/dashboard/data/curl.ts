/** The beginning of a curl command for this URL. It has the name of a variable in place of the token. */
export const curlTo = (url: string, needsToken: boolean): string =>
  `curl -s ${quote(url)}${needsToken ? ' -H "Authorization: Bearer $TOKEN"' : ''}`;

/** A text as one word of a POSIX shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
