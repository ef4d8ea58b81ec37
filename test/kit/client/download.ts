import { buffer } from 'node:stream/consumers';
import { request } from 'undici';

/** A whole response with its body as text. */
export interface Downloaded {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends a request to a path below the gateway's address, which is percent-encoded as it is. Rejects when the body is cut off. */
export async function download(
  gatewayUrl: string,
  path: string,
  headers: Record<string, string> = {},
  method: 'GET' | 'HEAD' | 'POST' | 'OPTIONS' = 'GET',
): Promise<Downloaded> {
  const { origin } = new URL(gatewayUrl);
  const { statusCode: status, headers: received, body } = await request(origin + path, { method, headers });
  return { status, headers: received, text: (await buffer(body)).toString() };
}

/** The error in the body of a response. */
export const errorOf = ({ status, text }: Downloaded) => {
  const { errors } = JSON.parse(text);
  return { status, code: errors[0].extensions.code, message: errors[0].message };
};
