/** Parameters of a query. Those that are null are left out. */
export type Query = Readonly<Record<string, string | number | null>>;

/** Names and values that need no encoding. */
const PLAIN = /^[\w.*-]*$/;

/**
 * Returns the query string of both queries with its `?`, or nothing when they are empty; `base` replaces parameters of the
 * same name. Encoded as `application/x-www-form-urlencoded`. URLSearchParams, which does the same, takes 2 µs per call, and
 * most queries have nothing to encode.
 */
export function queryStringOf(query: Query, base: Query): string {
  let text = '';
  const all = hasMembers(base) ? { ...query, ...base } : query;
  for (const name in all) {
    const value = all[name];
    if (value === null || value === undefined) continue;
    const written = String(value);
    if (!PLAIN.test(name) || !PLAIN.test(written)) return encode(all);
    text += `${text === '' ? '?' : '&'}${name}=${written}`;
  }
  return text;
}

function encode(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) params.append(name, String(value));
  return `?${params}`;
}

function hasMembers(query: Query): boolean {
  for (const _ in query) return true;
  return false;
}
