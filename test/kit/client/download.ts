import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** A whole response with its body as text. */
export interface Downloaded {
  readonly status: number;
  readonly headers: Readonly<IncomingMessage['headers']>;
  readonly text: string;
}

/** Sends a request to a path, which is percent-encoded as it is. Resolves when the headers of the response have arrived. */
export function openDownload(
  gatewayUrl: string,
  path: string,
  headers: Record<string, string> = {},
  method: 'GET' | 'HEAD' | 'POST' = 'GET',
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(gatewayUrl);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers, method }).on('response', resolve).on('error', reject).end();
  });
}

/** Sends a request to a path. Rejects when the body is cut off. */
export async function download(...parameters: Parameters<typeof openDownload>): Promise<Downloaded> {
  const response = await openDownload(...parameters);
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

/** The error in the body of a response. */
export const errorOf = ({ status, text }: Downloaded) => {
  const { errors } = JSON.parse(text);
  return { status, code: errors[0].extensions.code, message: errors[0].message };
};
