import type { Clock } from './clock.ts';
import type { Logger } from './telemetry/logger.ts';

/** Minimum time between two reads of a file, in milliseconds. */
const INTERVAL_MS = 1000;

/** A secret without white space around it; or what is wrong with its file. */
export type SecretReading = { readonly text: string } | { readonly problem: string };

/** The file of a secret. */
export interface WatchedSecret {
  /** The setting that names the file. */
  readonly setting: string;
  /** The secret that is in use at the start. */
  readonly text: string;
  /** Reads the file. A problem is a sentence that never has the content. */
  read(): SecretReading;
  /** Puts a new secret into use. */
  apply(text: string): void;
}

export interface SecretWatch {
  /** Reads all files now. A file that changed just now is complete, because its writer says so. */
  reload(): void;
  dispose(): void;
}

/**
 * Reads the files of secrets every second and applies those that changed: a new secret is in use within two seconds. It is
 * read twice, because the first time its file may be half written. The time of the file is not used: it is of another clock
 * on a network drive, or after the machine slept. A file that is missing or invalid changes nothing; its problem is logged
 * once per outage.
 */
export function watchSecrets(secrets: readonly WatchedSecret[], clock: Clock, log: Logger): SecretWatch {
  const files = secrets.map((secret) => ({ secret, text: secret.text, lastRead: secret.text, problem: '' }));
  let cancel: (() => void) | undefined;

  function check(file: (typeof files)[number], isForced: boolean) {
    const { setting } = file.secret;
    const reading = file.secret.read();
    if ('problem' in reading) {
      if (file.problem !== reading.problem) log.error({ setting, problem: reading.problem }, UNUSABLE);
      file.problem = reading.problem;
      return;
    }
    file.problem = '';
    const isComplete = isForced || reading.text === file.lastRead;
    file.lastRead = reading.text;
    if (reading.text === file.text || !isComplete) return;
    file.secret.apply(reading.text);
    file.text = reading.text;
    log.info({ setting }, 'a secret has changed; the new one is in use');
  }

  function tick() {
    cancel = clock.after(INTERVAL_MS, tick);
    for (const file of files) check(file, false);
  }

  if (files.length > 0) cancel = clock.after(INTERVAL_MS, tick);
  return {
    reload() {
      for (const file of files) check(file, true);
    },
    dispose: () => cancel?.(),
  };
}

const UNUSABLE = 'the file of a secret cannot be used; the previous secret stays in use';
