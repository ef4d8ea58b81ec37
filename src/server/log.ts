import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export interface LogOptions {
  level: string;
  /** Texts that no line may contain, whatever it tells. */
  secrets: readonly string[];
  /** Where the lines go; standard output by default, pretty on a terminal. */
  destination?: DestinationStream;
}

export function createLogger({ level, secrets, destination = standardOutput() }: LogOptions): Logger {
  const withoutSecrets = (line: string) => secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line);
  return pino({ level, base: null, hooks: { streamWrite: withoutSecrets } }, destination);
}

function standardOutput(): DestinationStream {
  return process.stdout.isTTY
    ? pretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' })
    : pino.destination({ dest: 1, sync: false });
}
