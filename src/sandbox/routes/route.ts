import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { Download } from '../api/download.ts';
import type { State } from '../state/state.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** When it had come in whole, or for an upload had begun to, ms since the epoch. */
  readonly now: number;
  /** For what takes longer than that. */
  readonly clock: Clock;
  readonly headers: IncomingHttpHeaders;
  /** The JSON that was sent; undefined when there was no body. */
  readonly body: unknown;
  /** The bytes of an upload as they come; of other requests nothing is left here. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Gives the body of a success or throws a Refusal; the segments are the variable parts of the path. */
export type Handler = (
  request: ApiRequest,
  state: State,
  segment: string,
  second: string,
) => object | Download | Promise<object>;

export interface Route {
  readonly path: RegExp;
  readonly handlers: Readonly<Record<string, Handler>>;
}
