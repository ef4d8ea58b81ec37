/** A redirect of a path that ends in a slash to the path without it (docs/upstream.md: Endpoints). */
export class Redirect {
  readonly location: string;

  constructor(path: string, query: URLSearchParams) {
    const search = query.size === 0 ? '' : `?${query}`;
    this.location = path.replace(/\/+$/, '') + search;
  }

  get headers(): Record<string, string> {
    return { location: this.location, 'content-length': '0' };
  }
}
