import { type App, version } from '../app.ts';
import type { Config } from '../config/config.ts';
import { settingsHelp } from './settings-text.ts';
import { upstreamText } from './upstream-text.ts';

/** The first output of a gateway that has started. */
export function banner(
  { url, gateway, hasGraphiql }: Pick<App, 'url' | 'gateway' | 'hasGraphiql'>,
  { upstream, mutations }: Pick<Config, 'upstream' | 'mutations'>,
): string {
  const status = `Finetune Gateway ${version} listens on ${url}${hasGraphiql ? ' (open it in a browser for GraphiQL)' : ''}
Upstream: ${upstreamText(gateway.upstreamName, upstream)}. Mutations: ${mutations.isAllowed ? 'on' : 'off; ALLOW_MUTATIONS=on allows them'}.`;
  if (!gateway.isSandbox) return status;
  return `${status}
For the jobs of your own account, start the gateway with your API key:
  OPENAI_API_KEY=… npm start
For another server of the same dialect, set OPENAI_BASE_URL too. All settings: npm start -- --help`;
}

/** `--help`: the command line and all settings. */
export function help(): string {
  return `Finetune Gateway ${version}: a GraphQL gateway over a fine-tuning jobs REST API (OpenAI's dialect).

Usage:
  npm start                 starts the gateway; without an API key, with the built-in sandbox
  npm start -- --check      checks the settings and the upstream, prints the result, and exits
  npm start -- --help       prints this help
  npm start -- --version    prints the version

Settings are environment variables. docs/settings.md has the same list.

${settingsHelp()}
See README.md for more.
`;
}
