import { isObject } from '../../upstream/json/members.ts';
import { ApiError } from '../api/api-error.ts';
import { missing } from '../api/validation-error.ts';
import { isOlderThan2025 } from './azure-version.ts';

/** Translates a create request to OpenAI's form: -1 means "auto" (docs/upstream.md: Other servers). Throws ApiError. */
export function translateCreate(body: unknown, query: URLSearchParams): unknown {
  if (!isObject(body)) return body;
  const { suffix, trainingType } = body;
  if (typeof suffix === 'string' && !/^[\w-]{1,40}$/.test(suffix))
    throw new ApiError(400, 'The suffix has to be 1 to 40 letters, digits, hyphens or underscores.', 'suffix');
  // Versions from 2025 on require `trainingType`; the recorded message does not name it.
  const isOld = isOlderThan2025(query);
  if (body['model'] === undefined) throw missing('model');
  if (trainingType === undefined && !isOld)
    throw new ApiError(400, `The specified base model '${body['model']}' does not support fine-tuning.`, 'model');
  const translated = (member: 'hyperparameters' | 'method') =>
    body[member] === undefined ? {} : { [member]: autoForMinusOne(body[member]) };
  const { method, ...known } = body; // Older versions ignore `method`, as any unknown member.
  return { ...known, ...translated('hyperparameters'), ...(isOld ? {} : translated('method')) };
}

/** Translates hyperparameters only: -1 in a grader is a number. */
function autoForMinusOne(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      member === -1 ? 'auto' : name === 'grader' ? member : autoForMinusOne(member),
    ]),
  );
}
