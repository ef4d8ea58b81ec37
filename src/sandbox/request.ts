import type { Download } from './download.ts';
import type { State } from './state.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Gives the body of a 200 or throws a Refusal; `segment` is the variable part of the path. */
export type Handler = (request: ApiRequest, state: State, segment: string) => object | Download;
