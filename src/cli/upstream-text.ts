import type { UpstreamConfig } from '../config/config.ts';

/** The upstream in a sentence: `OpenAI, https://api.openai.com/v1`. `name` is that of the UpstreamTarget. */
export function upstreamText(name: string, upstream: UpstreamConfig): string {
  if (upstream.kind === 'sandbox') return 'the built-in sandbox with simulated jobs';
  const { origin, pathname } = upstream.baseUrl;
  const kind = upstream.kind === 'azure' ? 'Azure OpenAI' : 'an OpenAI-compatible server';
  return `${name === 'OpenAI' ? name : kind}, ${origin}${pathname}`;
}
