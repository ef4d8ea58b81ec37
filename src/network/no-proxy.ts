// NO_PROXY has no standard. These are the rules of undici's EnvHttpProxyAgent, which are those of curl and more.

interface Entry {
  readonly hostname: string;
  /** 0: any port. */
  readonly port: number;
  /** `*.example.com`: without `example.com` itself. */
  readonly isSubdomainOnly: boolean;
}

/** Returns whether `NO_PROXY` names a host: itself, a domain above it, with or without its port, or `*`. */
export function isBypassed(hostname: string, port: number, noProxy: string): boolean {
  const host = normalize(hostname);
  return noProxy
    .split(/[,\s]+/)
    .filter((text) => text !== '')
    .map(parseEntry)
    .some((entry) => (entry.port === 0 || entry.port === port) && namesHost(entry, host));
}

function namesHost({ hostname, isSubdomainOnly }: Entry, host: string): boolean {
  return hostname === '*' || (!isSubdomainOnly && host === hostname) || host.endsWith(`.${hostname}`);
}

/** `[::1]:443`, `::1`, `example.com:443`, `.example.com`, `*.example.com`, `*`. */
function parseEntry(text: string): Entry {
  const [, bracketed, bracketedPort] = /^\[(.+)\](?::(\d+))?$/.exec(text) ?? [];
  const [, name, namePort] = /^([^:]+):(\d+)$/.exec(text) ?? [];
  const hostname = bracketed ?? name ?? text;
  return {
    hostname: normalize(hostname.replace(/^\*?\./, '')),
    port: Number(bracketedPort ?? namePort ?? 0),
    isSubdomainOnly: hostname.startsWith('*.'),
  };
}

/** Lower case, without the brackets of IPv6 and the dot of a fully qualified name. */
const normalize = (hostname: string) =>
  hostname
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/^(.+)\.$/, '$1')
    .toLowerCase();
