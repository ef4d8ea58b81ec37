import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { Download } from '../api/download.ts';
import type { State } from '../state/state.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** When the request was complete, or the head of an upload, in milliseconds since the epoch. */
  readonly now: number;
  /** For handlers that take longer. */
  readonly clock: Clock;
  readonly headers: IncomingHttpHeaders;
  /** The JSON body; undefined without one. */
  readonly body: unknown;
  /** The bytes of an upload while they arrive. Other requests are read already. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Returns the body of a success. Throws ApiError. The segments are the variable parts of the path. */
export type Handler = (
  request: ApiRequest,
  state: State,
  segment: string,
  secondSegment: string,
) => object | Download | Promise<object>;

export interface Route {
  readonly path: RegExp;
  readonly handlers: Readonly<Record<string, Handler>>;
}
