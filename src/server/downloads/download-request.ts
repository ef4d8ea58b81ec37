import type { IncomingMessage } from 'node:http';
import type { Context, Identity } from '../../request/context.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';

/** A request for a download, whose caller is authenticated. */
export interface DownloadRequest {
  readonly request: IncomingMessage;
  /** The URL's query. */
  readonly search: string;
  readonly context: Context;
  readonly identity: Identity;
  readonly budget: CallerBudget;
}
