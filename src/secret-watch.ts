import type { Clock } from './clock.ts';
import type { Logger } from './telemetry/logger.ts';

/** Minimum time between two reads of a file, in milliseconds. */
const INTERVAL_MS = 1000;
/** A file that changed less than this time ago, in milliseconds, may be half written. */
const SETTLE_MS = 500;

/** A secret without white space around it, and the last change of its file in milliseconds since the epoch; or what is wrong. */
export type SecretReading = { readonly text: string; readonly changedAt: number } | { readonly problem: string };

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
 * Reads the files of secrets every second and applies those that changed: a new secret is in use within two seconds. A file
 * that is missing, invalid or half written changes nothing; its problem is logged once.
 */
export function watchSecrets(secrets: readonly WatchedSecret[], clock: Clock, log: Logger): SecretWatch {
  const files = secrets.map((secret) => ({ secret, text: secret.text, problem: '' }));
  let cancel: (() => void) | undefined;

  function check(file: (typeof files)[number], isForced: boolean) {
    const { setting } = file.secret;
    const reading = file.secret.read();
    if ('problem' in reading) {
      if (file.problem !== reading.problem) log.error({ setting, problem: reading.problem }, UNUSABLE);
      file.problem = reading.problem;
      return;
    }
    const isSettled = isForced || clock.now() - reading.changedAt >= SETTLE_MS;
    if (reading.text === file.text || !isSettled) return;
    file.secret.apply(reading.text);
    file.text = reading.text;
    file.problem = '';
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
