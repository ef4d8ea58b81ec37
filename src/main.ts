import { parseArgs } from 'node:util';
import { type App, createApp, version } from './app.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { banner, help } from './manual.ts';
import { createLogger } from './server/log.ts';

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Ends the process with a plain sentence: what the user has to change, without a stack. */
function fail(text: string): never {
  say(text);
  process.exit(1);
}

function readArguments() {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } } })
      .values;
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

async function start(config: Config): Promise<App> {
  const secrets = config.upstream.kind === 'openai' ? [config.upstream.credential.apiKey] : [];
  try {
    return await createApp(config, createLogger({ level: config.logLevel, secrets }), systemClock);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const sentence = LISTEN_FAULTS[String(code)];
    if (sentence) fail(sentence);
    throw error;
  }
}

const LISTEN_FAULTS: Record<string, string> = {
  EADDRINUSE: 'PORT: another program listens there already; choose another, or 0 for any that is free.',
  EACCES: 'PORT: this user may not listen there; choose one over 1023.',
  EADDRNOTAVAIL: 'HOST: this machine has no such address.',
  ENOTFOUND: 'HOST: expected an address of this machine.',
};

const options = readArguments();
if (options.help) {
  process.stdout.write(help());
} else if (options.version) {
  process.stdout.write(`${version}\n`);
} else {
  const app = await start(readEnvironment());
  say(banner(app));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(1)); // A second one means: now.
      void app.dispose();
    });
  }
}
