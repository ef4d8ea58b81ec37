import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Negotiator from 'negotiator';
import { exampleTabs } from './graphiql-tabs.ts';
import { TOKEN_DIALOG } from './graphiql-token.ts';
import type { Reply } from './reply.ts';

const compress = promisify(gzip);

/** Serves the GraphiQL page, whole: it loads nothing else. `exampleJobId` is what its example tabs ask about. */
export function createGraphiql(exampleJobId: string): (headers: IncomingHttpHeaders) => Promise<Reply> {
  let page: ReturnType<typeof makePage> | undefined; // At the first wish: it is 9 MB large.
  return async (headers) => {
    page ??= makePage(exampleJobId);
    const { html, gzipped, etag } = await page;
    const common = { etag, 'cache-control': 'no-cache', vary: 'accept, accept-encoding', 'x-frame-options': 'DENY' };
    if (headers['if-none-match']?.includes(etag)) return { status: 304, headers: common };
    const type = { 'content-type': 'text/html; charset=utf-8' };
    return new Negotiator({ headers }).encoding(['gzip', 'identity']) === 'gzip'
      ? { status: 200, headers: { ...common, ...type, 'content-encoding': 'gzip' }, body: gzipped }
      : { status: 200, headers: { ...common, ...type }, body: html };
  };
}

// The tab that is pressed jumps to where it stood while the page was built, and the click misses it (GraphiQL 5).
const STEADY_TABS = '.graphiql-tab { transform: none !important; }';

async function makePage(exampleJobId: string) {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const defaultTabs = exampleTabs(exampleJobId);
  const page = renderGraphiQL({ title: 'Finetune Gateway', defaultTabs, schemaDescription: true });
  const html = Buffer.from(page.replace('</head>', `<style>${STEADY_TABS}</style>${TOKEN_DIALOG}</head>`));
  const etag = `W/"${createHash('sha256').update(html).digest('base64url')}"`;
  return { html, gzipped: await compress(html), etag };
}
