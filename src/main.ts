import { parseArgs } from 'node:util';
import { createApp, version } from './app.ts';
import { check } from './cli/check.ts';
import { tuneGarbageCollection } from './cli/gc-tuning.ts';
import { banner, help } from './cli/help.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, readConfig, secretsOf } from './config/config.ts';
import { contradictions, settingWarnings } from './config/warnings.ts';
import { createLogger } from './telemetry/logger.ts';
import { escapeUnsafe } from './telemetry/unsafe-characters.ts';

const print = (text: string) => process.stderr.write(`${escapeUnsafe(text)}\n`);

/** Prints a message that says what to change, without a stack, and exits with 1. */
function fail(message: string): never {
  print(message);
  process.exit(1);
}

function readArguments() {
  try {
    const check = { type: 'boolean' } as const;
    const help = { type: 'boolean', short: 'h' } as const;
    const version = { type: 'boolean', short: 'v' } as const;
    return parseArgs({ options: { check, help, version } }).values;
  } catch (error) {
    fail(`${error instanceof Error ? error.message : error}\nSee: npm start -- --help`);
  }
}

/** Reads the settings. Prints warnings; exits when a setting is invalid. */
function readSettings(): Config {
  for (const warning of settingWarnings(process.env)) print(`Warning: ${warning}`);
  try {
    const config = readConfig(process.env);
    for (const warning of contradictions(config)) print(`Warning: ${warning}`);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    fail(
      `The settings are invalid:\n${error.problems.map((problem) => `  ${problem}\n`).join('')}See: npm start -- --help`,
    );
  }
}

const createLog = (config: Config) => createLogger({ level: config.logLevel, secrets: secretsOf(config) });

/** Awaits `result`; exits when the address cannot be used. */
async function exitOnListenError<T>(result: Promise<T>, config: Config): Promise<T> {
  try {
    return await result;
  } catch (error) {
    fail(listenProblem(error, config));
  }
}

/** Returns a message about a failed listen, with the setting to change. Rethrows any other error. */
function listenProblem(error: unknown, { host, port, upstream }: Config): string {
  const { code, syscall, port: failedPort } = Object(error);
  const isSandboxPort = upstream.kind === 'sandbox' && failedPort === upstream.port && failedPort !== port;
  const name = isSandboxPort ? 'SANDBOX_PORT' : 'PORT';
  switch (code) {
    case 'EADDRINUSE':
      return `${name}: another program already listens on port ${failedPort}; stop it, or set another port, such as ${name}=${failedPort + 1}, or 0 for any free port.`;
    case 'EACCES':
      return `${name}: this user may not listen on port ${failedPort}; set a port above 1023, such as ${name}=4000.`;
    default:
      if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
      return `HOST: ${JSON.stringify(host)} is not an address of this machine (${code}); set one, such as 127.0.0.1, or 0.0.0.0 for all of its addresses.`;
  }
}

/** A second signal within this time is the same Ctrl-C: the terminal sends it to the process group, and npm forwards it. */
const SAME_SIGNAL_MS = 500;

const options = readArguments();
if (options.help) {
  process.stdout.write(help());
} else if (options.version) {
  process.stdout.write(`${version}\n`);
} else if (options.check) {
  const config = readSettings();
  const printLine = (line: string) => process.stdout.write(`${escapeUnsafe(line)}\n`);
  const isUsable = await exitOnListenError(check(config, createLog(config), systemClock, printLine), config);
  process.exitCode = isUsable ? 0 : 1;
} else {
  const config = readSettings();
  const app = await exitOnListenError(createApp(config, createLog(config), systemClock), config);
  if (app.warning !== undefined) print(`Warning: ${app.warning}`);
  tuneGarbageCollection(app.load, config.cache.maxBytes, systemClock);
  print(banner(app, config));
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
}
