import type { RawConnection } from './raw-http.ts';
import { openRawConnection } from './raw-http.ts';

// Frames of a client as bytes (RFC 6455 5.2), for input that no library sends.

export const OPCODE = { continuation: 0x0, text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** A frame with the mask 0, so that its data is readable. */
export function frame(opcode: keyof typeof OPCODE, data: string | object = '', { isFinal = true } = {}): Buffer {
  const content = Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
  const first = (isFinal ? 0x80 : 0) | OPCODE[opcode];
  const mask = [0, 0, 0, 0];
  const { length } = content;
  if (length < 126) return Buffer.concat([Buffer.from([first, 0x80 | length, ...mask]), content]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(length));
  const header = length < 65_536 ? [0x80 | 126, ...size.subarray(6)] : [0x80 | 127, ...size];
  return Buffer.concat([Buffer.from([first, ...header, ...mask]), content]);
}

/** A text in fragments of one byte. */
export function fragments(text: string): Buffer {
  const last = text.length - 1;
  const frames = [...text].map((character, index) =>
    frame(index === 0 ? 'text' : 'continuation', character, { isFinal: index === last }),
  );
  return Buffer.concat(frames);
}

/** The bytes of a WebSocket handshake with these header lines. */
export const handshake = (headers = '') =>
  `GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`;

export const INIT = frame('text', { type: 'connection_init' });

/** Opens a WebSocket as a raw connection that ignores the closing handshake; initialized unless `init` is false. */
export async function openRawSocket(url: string, { init = true } = {}): Promise<RawConnection> {
  const connection = await openRawConnection(url);
  connection.write(handshake());
  await connection.receivedMatch(/^HTTP\/1\.1 101 [\s\S]*?\r\n\r\n/);
  if (!init) return connection;
  connection.write(INIT);
  await connection.receivedMatch(/connection_ack/);
  return connection;
}

/** Matches a close frame with one of these codes in received text, and its reason. */
export function closeFrame(...codes: readonly number[]): RegExp {
  const bytes = codes.map((code) => String.fromCharCode(code >> 8, code & 0xff)).join('|');
  return new RegExp(`\x88[\\s\\S](?:${bytes})([ -~]*)`);
}
