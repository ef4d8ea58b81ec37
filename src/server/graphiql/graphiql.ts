import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Negotiator from 'negotiator';
import type { Reply } from '../http/reply.ts';
import { exampleTabs } from './example-tabs.ts';
import { TOKEN_DIALOG } from './token-dialog.ts';

const compress = promisify(gzip);

/** Serves the GraphiQL page, whole: it loads nothing else. `exampleJobId` is what its example tabs ask about. */
export function createGraphiql(exampleJobId: string): (headers: IncomingHttpHeaders) => Promise<Reply> {
  let page: ReturnType<typeof makePage> | undefined; // At the first wish: it is 9 MB large.
  return async (headers) => {
    page ??= makePage(exampleJobId);
    const { html, gzipped, etag, policy } = await page;
    const common = { ...HEADERS, etag, 'content-security-policy': policy };
    if (headers['if-none-match']?.includes(etag)) return { status: 304, headers: common };
    const type = { 'content-type': 'text/html; charset=utf-8' };
    return new Negotiator({ headers }).encoding(['gzip', 'identity']) === 'gzip'
      ? { status: 200, headers: { ...common, ...type, 'content-encoding': 'gzip' }, body: gzipped }
      : { status: 200, headers: { ...common, ...type }, body: html };
  };
}

const HEADERS = {
  'cache-control': 'no-cache',
  vary: 'accept, accept-encoding',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
};

// The tab that is pressed jumps to where it stood while the page was built, and the click misses it (GraphiQL 5).
const STEADY_TABS = '.graphiql-tab { transform: none !important; }';

async function makePage(exampleJobId: string) {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const defaultTabs = exampleTabs(exampleJobId);
  const page = renderGraphiQL({ title: 'Finetune Gateway', defaultTabs, schemaDescription: true });
  const text = page.replace('</head>', `<style>${STEADY_TABS}</style>${TOKEN_DIALOG}</head>`);
  const html = Buffer.from(text);
  const etag = `W/"${hash(html)}"`;
  return { html, gzipped: await compress(html), etag, policy: policyOf(text) };
}

/** Lets the page run its own scripts, start its editors' workers and ask its own origin: nothing else. */
function policyOf(html: string): string {
  const scripts = [...html.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(
    ([, script = '']) => `'sha256-${hash(script)}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    'worker-src blob:',
    "style-src 'unsafe-inline'", // The editor writes its styles while it runs.
    'font-src data:',
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const hash = (content: string | Buffer) => createHash('sha256').update(content).digest('base64');
