import type { IncomingMessage } from 'node:http';
import { isWithinDepth } from '../../upstream/json/depth.ts';
import { ApiError } from '../api/api-error.ts';

/** Far more than any body but a file needs: a grader's source and its item are the longest. */
const MAX_BYTES = 4 * 2 ** 20;

/** Reads a body of JSON; undefined when there is none. Rejects with a Refusal, and leaves the connection usable. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new ApiError(413, `The body is larger than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) throw unsupported(type);
  const body = parsed(Buffer.concat(chunks).toString());
  if (body === undefined || !isWithinDepth(body, MAX_NESTING)) {
    throw new ApiError(
      400,
      'We could not parse the JSON body of your request. (HINT: This likely means you are not using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)',
    );
  }
  return body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Objects and lists in one another: deeper ones could not be written back. */
const MAX_NESTING = 100;

const unsupported = (type: string) =>
  new ApiError(
    400,
    `Unsupported content type: '${type}'. This API method only accepts 'application/json' requests.`,
    null,
    'unsupported_content_type',
  );
