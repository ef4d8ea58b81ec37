import type { AgentOptions } from 'node:http';
import type { ProxyServer } from './proxy.ts';

/**
 * Returns a function that returns the options of an `http.Agent` that connects through the current proxy: the same object
 * until the proxy changes. For libraries that do not use undici.
 */
export function agentOptionsSource(proxyOf: () => ProxyServer | null): () => AgentOptions {
  let proxy = proxyOf();
  let options = agentOptionsFor(proxy);
  return () => {
    const current = proxyOf();
    if (current !== proxy) options = agentOptionsFor(current);
    proxy = current;
    return options;
  };
}

function agentOptionsFor(proxy: ProxyServer | null): AgentOptions {
  if (proxy === null) return { keepAlive: true };
  const url = urlOf(proxy);
  return { keepAlive: true, proxyEnv: { HTTP_PROXY: url, HTTPS_PROXY: url } };
}

/** The URL with user and password, as in the environment. */
function urlOf({ name, authorization }: ProxyServer): string {
  const url = new URL(name);
  const [user = '', ...password] = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64')
    .toString()
    .split(':');
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password.join(':'));
  return url.href;
}
