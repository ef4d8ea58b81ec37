import type { DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import { showEscapes } from './unsafe-characters.ts';

/** Pretty-prints lines. Escaped characters stay escaped, so that no text of a client or an upstream controls the terminal. */
export function createTerminalDestination(destination: NodeJS.WritableStream | 1 = 1): DestinationStream {
  const stream = pretty({ destination, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' });
  return { write: (line) => void stream.write(showEscapes(line)) };
}
