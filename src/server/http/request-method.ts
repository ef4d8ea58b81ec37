import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

export const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

/** Throws an HttpError (405) for any other method. */
export function requireRead(request: IncomingMessage, path: string): void {
  if (isRead(request)) return;
  const message = `Method: ${request.method} is not supported at ${path}; expected GET.`;
  throw new HttpError(405, message, { allow: 'GET, HEAD' });
}
