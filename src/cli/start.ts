import { closeSync, openSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createApp } from '../app.ts';
import { systemClock } from '../clock.ts';
import type { Environment } from '../config/upstream-kind.ts';
import { banner } from './banner.ts';
import { tuneGarbageCollection } from './gc-tuning.ts';
import { print } from './print.ts';
import { collectStartGarbage } from './start-garbage.ts';
import { createLog, exitOnListenError, readSettings } from './startup.ts';

/** A second signal within this time is the same Ctrl-C: the terminal sends it to the process group, and npm forwards it. */
const SAME_SIGNAL_MS = 500;

/** Delay of the flush of the compile cache: later than the first queries, whose functions it then has. */
const FLUSH_DELAY_MS = 2_000;

/** Starts the gateway, which runs until SIGINT or SIGTERM. Exits when a setting is invalid or the address cannot be used. */
export async function start(environment: Environment): Promise<void> {
  const config = readSettings(environment);
  const app = await exitOnListenError(createApp(config, await createLog(config), systemClock), config);
  if (app.warning !== undefined) print(`Warning: ${app.warning}`);
  tuneGarbageCollection(app.load, config.cache.maxBytes, systemClock);
  systemClock.after(FLUSH_DELAY_MS, flushCompileCache);
  collectStartGarbage(systemClock);
  let stoppedAt: number | undefined;
  const stop = () => {
    if (stoppedAt !== undefined) {
      if (systemClock.now() - stoppedAt >= SAME_SIGNAL_MS) process.exit(1); // A second signal stops at once.
      return;
    }
    stoppedAt = systemClock.now();
    print('Stopping after the requests in progress. A second signal stops at once.');
    void app.dispose();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  process.on('SIGHUP', () => {
    if (isTerminalClosed()) return stop();
    app.reloadFiles();
    print('The files of secrets were read again (SIGHUP), and AUDIT_FILE was opened again, where they are set.');
  });
  print(banner(app, config)); // Last, because a reader may then send a signal.
}

/** Whether the terminal that shows the output has been closed, which also sends SIGHUP. */
function isTerminalClosed(): boolean {
  if (!process.stdout.isTTY) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}
