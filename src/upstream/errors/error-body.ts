import { z } from 'zod';
import { isWithinDepth } from '../json/depth.ts';

/** What an error answer's body says, in whichever envelope: `{error:{…}}`, `{detail}`, or nothing readable. */
export interface ErrorBody {
  code: string | null;
  message: string;
  /** Whether it has the form in which the dialect answers; an HTML page or a router's own 404 has not. */
  isEnvelope: boolean;
}

// Members of any form: what is no text is given as its JSON, which cannot be written for what is nested without end.
const asJson = (value: unknown) => (isWithinDepth(value) ? JSON.stringify(value) : 'nested too deep');

const words = z
  .unknown()
  .optional()
  .transform((value) => (value == null ? '' : typeof value === 'string' ? value : asJson(value)));

const errorObject = z.object({ code: z.string().nullable().catch(null), message: words });

const envelope = z.object({ error: z.unknown(), detail: z.unknown(), message: z.unknown() }).partial();

/** Never throws, whatever the text is. */
export function readErrorBody(text: string): ErrorBody {
  const { data } = envelope.safeParse(parsed(text));
  const { data: error } = errorObject.safeParse(data?.error);
  if (error) return { code: error.code, message: error.message, isEnvelope: true };
  const message = data?.error ?? data?.detail ?? data?.message;
  if (message !== undefined) return { code: null, message: asJson(message), isEnvelope: true };
  return { code: null, message: text, isEnvelope: false };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The text itself is all there is.
  }
}

/** Whether a 404 speaks of the endpoint, not of the object: the server lacks it, or the base URL is wrong. */
export function isMissingEndpoint({ code, message, isEnvelope }: ErrorBody): boolean {
  const isAzuresOwn = code === '404' && message === 'Resource not found'; // Of its router; its services have other codes.
  return !isEnvelope || message.startsWith('Invalid URL') || message === '"Not Found"' || isAzuresOwn;
}
