/** Maximum number and length of the texts of one memo. */
const [MAX_TEXTS, MAX_LENGTH] = [200, 300];

/**
 * Memoizes a pure function of a text that clients choose, such as a header: most requests of a client have equal headers. A
 * full memo is emptied. A text for which the function throws is not stored.
 */
export function memoizeText<T>(read: (text: string) => T): (text: string) => T {
  const results = new Map<string, T>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = read(text);
    if (results.size >= MAX_TEXTS) results.clear();
    if (text.length <= MAX_LENGTH) results.set(text, result);
    return result;
  };
}
