import { type App, version } from '../app.ts';
import { settings } from '../config/config.ts';

/** What a person reads who has just started the gateway. */
export function banner({ url, gateway, hasGraphiql }: Pick<App, 'url' | 'gateway' | 'hasGraphiql'>): string {
  const heading = `Finetune Gateway ${version} answers on ${url}${hasGraphiql ? ' (GraphiQL in a browser)' : ''}`;
  if (!gateway.isSandbox) return `${heading}\nIt asks ${gateway.upstreamName}.`;
  return `${heading}
It asks the built-in sandbox: the jobs are made up. For those of your own account, start it with your key:
  UPSTREAM=openai OPENAI_API_KEY=… npm start
and for another server of the dialect with OPENAI_BASE_URL too. All settings: npm start -- --help`;
}

/** `--help`: the command line and every setting, from the same table that reads them. */
export function help(): string {
  const names = Object.keys(settings);
  const width = Math.max(...names.map((name) => name.length));
  const lines = Object.entries(settings).map(
    ([name, schema]) => `  ${name.padEnd(width)}  ${schema.description}${defaultOf(schema)}`,
  );
  return `Finetune Gateway ${version}: a GraphQL gateway over a fine-tuning jobs REST API (OpenAI's dialect).

Usage:
  npm start                 starts it; without a key it brings its own sandbox
  npm start -- --check      checks the settings and asks the upstream, says what it found, and ends
  npm start -- --help       shows this
  npm start -- --version    shows the version

Settings, read from the environment:
${lines.join('\n')}

With a real key and AUTH=none it listens on loopback addresses only. With NODE_ENV=production it wants a key, or UPSTREAM=sandbox.

The README says more.
`;
}

function defaultOf(schema: { safeParse(value: undefined): { data?: unknown } }): string {
  const { data } = schema.safeParse(undefined);
  return data === undefined ? '' : ` (default: ${data})`;
}
