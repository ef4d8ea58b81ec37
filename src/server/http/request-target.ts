/** What the first line of a request asks for. */
export interface RequestTarget {
  readonly path: string;
  /** The URL's query. */
  readonly search: string;
  /** Host and port, from clients that send the whole URL; they count as those in `Host` do. */
  readonly authority: string | undefined;
}

/** Reads the origin form (`/graphql?query=…`) and the absolute form (`http://localhost/graphql`), RFC 9112 section 3.2. */
export function readTarget(url: string): RequestTarget {
  const [, authority, rest = ''] = /^(?:https?:\/\/([^/?#]*))?(.*)$/is.exec(url) ?? [];
  const query = rest.indexOf('?');
  const path = query < 0 ? rest : rest.slice(0, query);
  return {
    path: path === '' && authority !== undefined ? '/' : path,
    search: query < 0 ? '' : rest.slice(query + 1),
    authority,
  };
}
