import { HttpError } from '../http/http-error.ts';
import { quoteInput } from '../http/quote-input.ts';

/** The error for an id that does not exist. `id` is null when it is not valid percent-encoding. */
export function notFound(noun: string, id: string | null, example: string): HttpError {
  const shown = id === null ? 'the id in the path' : quoteInput(id);
  return new HttpError(404, `${noun}: ${shown} does not exist; expected an id such as ${example}.`, {}, 'NOT_FOUND');
}
