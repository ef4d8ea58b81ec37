import { version } from '../version.ts';
import { settingsHelp } from './settings-text.ts';

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
