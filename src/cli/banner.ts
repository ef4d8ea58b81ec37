import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { version } from '../version.ts';
import { upstreamText } from './upstream-text.ts';

type BannerFacts = Pick<App, 'url' | 'metricsUrl' | 'gateway' | 'hasGraphiql' | 'hasDashboard'>;

/** The first output of a gateway that has started. */
export function banner(
  { url, metricsUrl, gateway, hasGraphiql, hasDashboard }: BannerFacts,
  config: Pick<Config, 'upstream' | 'proxies' | 'mutations'>,
): string {
  const status = `Finetune Gateway ${version} listens on ${url}${hasGraphiql ? ' (open it in a browser for GraphiQL)' : ''}${hasDashboard ? `\nDashboard: ${new URL('/', url)}` : ''}
Upstream: ${upstreamText(gateway.upstreamName, config)}. Mutations: ${config.mutations.isAllowed ? 'on' : 'off; ALLOW_MUTATIONS=on allows them'}.${metricsUrl === undefined ? '' : `\nMetrics: ${metricsUrl}`}`;
  if (!gateway.isSandbox) return status;
  return `${status}
For the jobs of your own account, start the gateway with your API key:
  OPENAI_API_KEY=… npm start
For another server of the same dialect, set OPENAI_BASE_URL too. All settings: npm start -- --help`;
}
