import { type App, version } from '../app.ts';
import { settingsHelp } from './settings-text.ts';

/** The first output of a gateway that has started. */
export function banner({ url, gateway, hasGraphiql }: Pick<App, 'url' | 'gateway' | 'hasGraphiql'>): string {
  const heading = `Finetune Gateway ${version} answers on ${url}${hasGraphiql ? ' (open it in a browser for GraphiQL)' : ''}`;
  if (!gateway.isSandbox) return `${heading}\nUpstream: ${gateway.upstreamName}.`;
  return `${heading}
Upstream: the built-in sandbox with simulated jobs. For the jobs of your own account, start the gateway with your API key:
  UPSTREAM=openai OPENAI_API_KEY=… npm start
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
