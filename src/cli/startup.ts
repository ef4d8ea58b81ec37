import { type Config, ConfigError, readConfig, secretsOf } from '../config/config.ts';
import type { Environment } from '../config/upstream-kind.ts';
import { contradictions, settingWarnings } from '../config/warnings.ts';
import { createLogger, type GatewayLog } from '../telemetry/logger.ts';
import { fail, print } from './print.ts';

// Shared by a start and `--check`.

/** Reads the settings. Prints warnings; exits when a setting is invalid. */
export function readSettings(environment: Environment): Config {
  for (const warning of settingWarnings(environment)) print(`Warning: ${warning}`);
  try {
    const config = readConfig(environment);
    for (const warning of contradictions(config)) print(`Warning: ${warning}`);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    fail(
      `The settings are invalid:\n${error.problems.map((problem) => `  ${problem}\n`).join('')}See: npm start -- --help`,
    );
  }
}

/** The log of this process: on standard output, pretty-printed on a terminal. */
export async function createLog(config: Config): Promise<GatewayLog> {
  const options = { level: config.logLevel, secrets: secretsOf(config) };
  if (!process.stdout.isTTY) return createLogger(options);
  const { createTerminalDestination } = await import('../telemetry/terminal-destination.ts');
  return createLogger({ ...options, destination: createTerminalDestination() });
}

/** Awaits `result`; exits when the address cannot be used. */
export async function exitOnListenError<T>(result: Promise<T>, config: Config): Promise<T> {
  try {
    return await result;
  } catch (error) {
    fail(listenProblem(error, config));
  }
}

/** Returns a message about a failed listen, with the setting to change. Rethrows any other error. */
function listenProblem(error: unknown, config: Config): string {
  const { port, upstream, monitoring } = config;
  const { code, syscall, hostname, address = hostname, port: failedPort } = Object(error);
  const isSandboxPort = upstream.kind === 'sandbox' && failedPort === upstream.port && failedPort !== port;
  const isMetricsPort = failedPort === monitoring.port && failedPort !== port;
  const name = isSandboxPort ? 'SANDBOX_PORT' : isMetricsPort ? 'METRICS_PORT' : 'PORT';
  const [hostName, host] =
    address === monitoring.host && address !== config.host ? ['METRICS_HOST', address] : ['HOST', config.host];
  switch (code) {
    case 'EADDRINUSE':
      return `${name}: another program already listens on port ${failedPort}; stop it, or set another port, such as ${name}=${failedPort + 1}, or 0 for any free port.`;
    case 'EACCES':
      return `${name}: this user may not listen on port ${failedPort}; set a port above 1023, such as ${name}=4000.`;
    default:
      if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
      return `${hostName}: ${JSON.stringify(host)} is not an address of this machine (${code}); set one, such as 127.0.0.1, or 0.0.0.0 for all of its addresses.`;
  }
}
