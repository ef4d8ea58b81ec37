import { z } from 'zod';
import { isWithinDepth } from '../json/depth.ts';
import { parseJson } from '../json/parse.ts';

/** The body of an error response, in any envelope: `{error:{…}}`, `{detail}`, `{message}`, or none. */
export interface ErrorBody {
  code: string | null;
  message: string;
  /** Whether the body is an error of the dialect. An HTML page or the 404 page of a router is not. */
  isEnvelope: boolean;
}

// JSON.stringify overflows the stack on a value that is nested too deep.
const toJson = (value: unknown) => (isWithinDepth(value) ? JSON.stringify(value) : 'nested too deep');

const messageText = z
  .unknown()
  .optional()
  .transform((value) => (value == null ? '' : typeof value === 'string' ? value : toJson(value)));

const errorObject = z.object({ code: z.string().nullable().catch(null), message: messageText });

const envelope = z.object({ error: z.unknown(), detail: z.unknown(), message: z.unknown() }).partial();

/** Parses the body of an error response. Never throws: a body without an envelope is itself the message. */
export function readErrorBody(text: string): ErrorBody {
  const { data } = envelope.safeParse(parseJson(text));
  const { data: error } = errorObject.safeParse(data?.error);
  if (error) return { code: error.code, message: error.message, isEnvelope: true };
  const message = data?.error ?? data?.detail ?? data?.message;
  if (message !== undefined) return { code: null, message: toJson(message), isEnvelope: true };
  return { code: null, message: text, isEnvelope: false };
}

/** Returns whether a 404 is about the endpoint, not the object: the server lacks it, or the base URL is wrong. */
export function isMissingEndpoint({ code, message, isEnvelope }: ErrorBody): boolean {
  const isAzureRouter = code === '404' && message === 'Resource not found'; // Azure's services have other codes.
  return !isEnvelope || message.startsWith('Invalid URL') || message === '"Not Found"' || isAzureRouter;
}
