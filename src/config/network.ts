import { z } from 'zod';
import { type ProxyServer, parseProxy } from '../network/proxy.ts';
import { FileError, readRegularFile } from '../regular-file.ts';
import { groupDocs, settingDocs } from './types/setting-docs.ts';

const EXPECTED_PROXY = 'expected the URL of an http or https proxy, with user and password in percent-encoding';

/** Maximum bytes of a file of certificates: those of all public authorities take 300 KiB. */
const MAX_CERTIFICATES_BYTES = 16 * 1024 * 1024;

const proxyProblem = (text: string) => (parseProxy(text, 'HTTP_PROXY') === null ? EXPECTED_PROXY : null);

export const network = z
  .object({
    HTTPS_PROXY: z.string().optional().register(settingDocs, {
      description:
        'Proxy for upstreams with an https URL, which are called through a tunnel (CONNECT). If unset, `HTTP_PROXY`. The lower-case name `https_proxy` takes precedence. The proxy itself may be http or https.',
      example: 'http://user:password@proxy.example:3128',
      isSecret: true,
      fileProblem: proxyProblem,
    }),
    HTTP_PROXY: z.string().optional().register(settingDocs, {
      description:
        'Proxy for upstreams with an http URL, which get whole URLs as request targets. The lower-case name `http_proxy` takes precedence.',
      example: 'http://proxy.example:3128',
      isSecret: true,
      fileProblem: proxyProblem,
    }),
    NO_PROXY: z.string().optional().register(settingDocs, {
      description:
        'Hosts that are called without a proxy, separated by commas or spaces: a name with all names below it, `*.example.com` for the names below only, an address, each also with a port, or `*` for all. Loopback addresses never use a proxy. The lower-case name `no_proxy` takes precedence.',
      example: 'models.internal,.corp.example,10.0.0.5:8000',
    }),
    NODE_EXTRA_CA_CERTS: z.string().superRefine(checkCertificates).optional().register(settingDocs, {
      description:
        "Path of a PEM file of certificates that are trusted besides Node's own: those of a private authority of the upstream, of the proxy, or of a proxy that opens TLS. Node reads it when the process starts.",
      example: '/etc/ssl/company-ca.pem',
    }),
    https_proxy: z.string().optional(),
    http_proxy: z.string().optional(),
    no_proxy: z.string().optional(),
    HTTPS_PROXY_FILE: z.string().optional(),
    HTTP_PROXY_FILE: z.string().optional(),
    upstreamKind: z.string(),
  })
  .register(groupDocs, {
    title: 'Network',
    intro:
      'How the gateway reaches its upstream and the issuers of JWTs. Without these variables, it connects directly.',
  })
  .transform((values, { addIssue }) => {
    const read = (name: ProxyServer['setting'], text: string | undefined) => {
      if (text === undefined) return null;
      const proxy = parseProxy(text, name);
      // With the sandbox, a variable is probably meant for other programs.
      const isOurs = values.upstreamKind !== 'sandbox' || values[`${name}_FILE`] !== undefined;
      if (proxy === null && isOurs) addIssue({ code: 'custom', path: [name], message: EXPECTED_PROXY });
      return proxy;
    };
    const http = read('HTTP_PROXY', values.http_proxy ?? values.HTTP_PROXY);
    const https = read('HTTPS_PROXY', values.https_proxy ?? values.HTTPS_PROXY) ?? http;
    return { proxies: { http, https, noProxy: values.no_proxy ?? values.NO_PROXY ?? '' } };
  });

/** Node only warns when it cannot read the file. */
function checkCertificates(file: string, { addIssue }: z.RefinementCtx): void {
  try {
    const { text } = readRegularFile(file, MAX_CERTIFICATES_BYTES);
    if (!text.includes('-----BEGIN CERTIFICATE-----')) addIssue('the file has no certificate; expected PEM.');
  } catch (error) {
    const expected = 'expected the path of a PEM file that can be read';
    addIssue(error instanceof FileError ? `${error.message}; ${expected}.` : expected);
  }
}
