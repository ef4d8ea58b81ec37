import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { ALWAYS, groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer, list } from './types/setting-types.ts';

/** Names that are always accepted: pages of other sites cannot use them, and health checks do. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

const ORIGIN = /^https?:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/;
const EXPECTED_ORIGINS = 'expected origins, separated by commas';

export const listening = z
  .object({
    HOST: z.string().default('127.0.0.1').register(settingDocs, {
      description:
        'Address to listen on. With a real upstream credential and `AUTH=none`, only loopback addresses are allowed.',
    }),
    PORT: integer(0, 65_535)
      .default(4000)
      .register(settingDocs, { description: 'Port to listen on. 0 takes any free port.' }),
    ALLOWED_HOSTS: list('expected host names without ports, separated by commas', /^[\w.-]+$|^\[[\da-f:.]+\]$/)
      .optional()
      .register(settingDocs, {
        description:
          'Names accepted in the Host and Origin headers besides the loopback names and `HOST`, separated by commas. Another Host gets status 421, another Origin 403.',
        example: 'gateway.example,10.0.0.5',
      }),
    CORS_ORIGINS: list(EXPECTED_ORIGINS, ORIGIN)
      .refine((origins) => origins.every((origin) => URL.canParse(origin)), EXPECTED_ORIGINS)
      .transform((origins) => origins.map((origin) => new URL(origin).origin)) // As browsers send it: no default port.
      .optional()
      .register(settingDocs, {
        description:
          'Origins whose pages may send requests, read the responses and open WebSockets, separated by commas.',
        example: 'https://app.example',
      }),
    TRUST_PROXY: z.string().transform(readProxies).optional().register(settingDocs, {
      description:
        'Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: `off`, or addresses, address ranges (CIDR) and `loopback`, separated by commas. The address and scheme of the client are then those that these proxies report, in logs and limits. Headers of any other peer are ignored.',
      example: 'loopback,10.0.0.0/8',
      defaultValue: 'off',
    }),
    upstreamKind: z.string(),
    AUTH: z.string().optional(),
  })
  .register(groupDocs, {
    title: 'Listening',
    intro: 'Where the gateway listens, and which hosts and origins it accepts.',
  })
  .superRefine(({ HOST, AUTH = 'none', upstreamKind }, context) => {
    if (upstreamKind === 'sandbox' || AUTH !== 'none' || isLoopback(HOST)) return;
    const message = `${JSON.stringify(HOST)} is not a loopback address; expected one such as 127.0.0.1, or AUTH=tokens. Callers are not authenticated, so everyone who can reach this address could use your upstream credential.`;
    context.addIssue({ code: 'custom', path: ['HOST'], message });
  }, ALWAYS)
  .transform(({ HOST: host, PORT: port, ALLOWED_HOSTS = [], CORS_ORIGINS: corsOrigins = [], TRUST_PROXY }) => ({
    host,
    port,
    trustedProxies: TRUST_PROXY ?? [],
    allowedHosts: [...new Set([...LOOPBACK_NAMES, host, ...ALLOWED_HOSTS])],
    corsOrigins,
  }));

/** Returns address ranges in CIDR notation; none for `off`. */
function readProxies(text: string, { addIssue }: z.RefinementCtx): string[] {
  const items = text.split(',').map((item) => item.trim().toLowerCase());
  if (text.trim().toLowerCase() === 'off') return [];
  return items.flatMap((item) => {
    if (item === 'loopback') return ['127.0.0.0/8', '::1/128'];
    if (ipaddr.isValidCIDR(item)) return [item];
    if (isIP(item) !== 0 && ipaddr.isValid(item)) return [`${item}/${isIPv4(item) ? 32 : 128}`];
    addIssue('expected off, or addresses, address ranges and loopback, separated by commas');
    return [];
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
