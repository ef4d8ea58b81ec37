import type { IncomingMessage } from 'node:http';
import { isTextWithinDepth } from '../../upstream/json/depth.ts';
import { ApiError } from '../api/api-error.ts';

/** The largest JSON bodies are graders with their source and item. */
const MAX_BYTES = 4 * 2 ** 20;

/** Reads a JSON body; resolves to undefined without a body. Throws ApiError; the connection stays usable. */
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
  if (!/^application\/json\b/i.test(type)) throw unsupportedType(type);
  const json = Buffer.concat(chunks);
  const body = isTextWithinDepth(json, MAX_NESTING) ? parseJson(json.toString()) : undefined;
  if (body === undefined) {
    throw new ApiError(
      400,
      'We could not parse the JSON body of your request. (HINT: This likely means you are not using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)',
    );
  }
  return body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Maximum nesting of objects and lists. A deeper body could not be serialized again. */
const MAX_NESTING = 100;

const unsupportedType = (type: string) =>
  new ApiError(
    400,
    `Unsupported content type: '${type}'. This API method only accepts 'application/json' requests.`,
    null,
    'unsupported_content_type',
  );
