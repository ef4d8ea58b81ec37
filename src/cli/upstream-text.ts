import type { Config } from '../config/config.ts';
import { proxyFor } from '../network/proxy.ts';

/** The upstream in a sentence: `OpenAI, https://api.openai.com/v1`, and its proxy without the password. `name` is that of the UpstreamTarget. */
export function upstreamText(name: string, { upstream, proxies }: Pick<Config, 'upstream' | 'proxies'>): string {
  if (upstream.kind === 'sandbox') return 'the built-in sandbox with simulated jobs';
  const { origin, pathname } = upstream.baseUrl;
  const kind = upstream.kind === 'azure' ? 'Azure OpenAI' : 'an OpenAI-compatible server';
  const proxy = proxyFor(upstream.baseUrl, proxies);
  const route = proxy === null ? '' : `, through the proxy ${proxy.name} (${proxy.setting})`;
  return `${name === 'OpenAI' ? name : kind}, ${origin}${pathname}${route}`;
}
