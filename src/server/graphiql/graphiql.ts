import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Negotiator from 'negotiator';
import { PAGE_HEADERS, type Reply } from '../http/reply.ts';
import { type ExampleIds, readExampleTabs } from './example-tabs.ts';
import { TOKEN_DIALOG } from './token-dialog.ts';

const compress = promisify(gzip);

/** Serves the GraphiQL page, which loads nothing else. `examples` are the variables of its example tabs. */
export function createGraphiql(examples: ExampleIds): (headers: IncomingHttpHeaders) => Promise<Reply> {
  let page: ReturnType<typeof createPage> | undefined; // Created at the first request: it has 9 MB.
  return async (headers) => {
    page ??= createPage(examples);
    const { html, gzipped, etag, policy } = await page;
    const common = { ...PAGE_HEADERS, vary: 'accept, accept-encoding', etag, 'content-security-policy': policy };
    if (headers['if-none-match']?.includes(etag)) return { status: 304, headers: common };
    return new Negotiator({ headers }).encoding(['gzip', 'identity']) === 'gzip'
      ? { status: 200, headers: { ...common, 'content-encoding': 'gzip' }, body: gzipped }
      : { status: 200, headers: common, body: html };
  };
}

// GraphiQL 5 moves a tab while it is pressed, so that the click misses it.
const STEADY_TABS = '.graphiql-tab { transform: none !important; }';

async function createPage(examples: ExampleIds) {
  const [{ renderGraphiQL }, defaultTabs] = await Promise.all([
    import('@graphql-yoga/render-graphiql'),
    readExampleTabs(examples),
  ]);
  const page = renderGraphiQL({ title: 'Finetune Gateway', defaultTabs, schemaDescription: true });
  const text = page.replace('</head>', `<style>${STEADY_TABS}</style>${TOKEN_DIALOG}</head>`);
  const html = Buffer.from(text);
  const etag = `W/"${hash(html)}"`;
  return { html, gzipped: await compress(html), etag, policy: contentSecurityPolicyOf(text) };
}

/** Allows the page its own scripts, the workers of its editors and requests to its own origin only. */
function contentSecurityPolicyOf(html: string): string {
  const scripts = [...html.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(
    ([, script = '']) => `'sha256-${hash(script)}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    'worker-src blob:',
    "style-src 'unsafe-inline'", // The editor creates styles at run time.
    'font-src data:',
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const hash = (content: string | Buffer) => createHash('sha256').update(content).digest('base64');
