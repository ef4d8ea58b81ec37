import { parseArgs } from 'node:util';
import { createApp, version } from './app.ts';
import { check } from './cli/check.ts';
import { tuneGarbageCollection } from './cli/gc-tuning.ts';
import { banner, help } from './cli/help.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, readConfig, secretsOf } from './config/config.ts';
import { createLogger } from './telemetry/logger.ts';

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Ends the process with a plain sentence: what the user has to change, without a stack. */
function fail(text: string): never {
  say(text);
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

function readEnvironment(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError)
      fail(`The configuration has faults:\n${error.faults.map((fault) => `  ${fault}`).join('\n')}`);
    throw error;
  }
}

const createLog = (config: Config) => createLogger({ level: config.logLevel, secrets: secretsOf(config) });

/** What came of taking addresses; ends the process when one cannot be taken. */
async function opened<T>(opening: Promise<T>, config: Config): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    fail(listenFault(error, config));
  }
}

/** What to change when an address cannot be taken; anything else is thrown on. */
function listenFault(error: unknown, { host, port, upstream }: Config): string {
  const { code, syscall, port: wanted } = Object(error);
  const name = upstream.kind === 'sandbox' && wanted === upstream.port && wanted !== port ? 'SANDBOX_PORT' : 'PORT';
  switch (code) {
    case 'EADDRINUSE':
      return `${name}: another program listens on ${wanted} already; choose another, or 0 for any that is free`;
    case 'EACCES':
      return `${name}: this user may not listen on ${wanted}; choose one over 1023`;
    default:
      if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
      return `HOST: expected an address of this machine, which ${host} is not (${code})`;
  }
}

/** So soon after a signal the next one is the same: npm passes on what a Ctrl-C has sent to the whole group already. */
const SAME_SIGNAL_MS = 500;

const options = readArguments();
if (options.help) {
  process.stdout.write(help());
} else if (options.version) {
  process.stdout.write(`${version}\n`);
} else if (options.check) {
  const config = readEnvironment();
  const { text, isFine } = await opened(check(config, createLog(config), systemClock), config);
  process.stdout.write(text);
  process.exitCode = isFine ? 0 : 1;
} else {
  const config = readEnvironment();
  const app = await opened(createApp(config, createLog(config), systemClock), config);
  tuneGarbageCollection(app.load, config.cache.maxBytes, systemClock);
  say(banner(app));
  let stoppedAt: number | undefined;
  const stop = () => {
    if (stoppedAt !== undefined) {
      if (systemClock.now() - stoppedAt >= SAME_SIGNAL_MS) process.exit(1); // A second one means: now.
      return;
    }
    stoppedAt = systemClock.now();
    say('Stopping, after the requests under way.');
    void app.dispose();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}
