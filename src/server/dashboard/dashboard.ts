import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import Negotiator from 'negotiator';
import { internalError } from '../../schema/core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { errorReply, PAGE_HEADERS, type Reply } from '../http/reply.ts';
import { requireRead } from '../http/request-method.ts';
import { unknownPath } from '../http/request-target.ts';
import type { Asset, Build } from './build.ts';

/** The folder of its assets, as a path. */
export const ASSETS = '/assets/';

/**
 * Serves the page at `/`, and its assets. All URLs in them are relative, because a proxy can add a path prefix. Rejects
 * with an HttpError: 405 for a method that does not read, 404 for a path that is no asset of this build.
 */
export type Dashboard = (request: IncomingMessage, path: string, requestId: string) => Promise<Reply>;

/** Bundles the dashboard at its first request. After a failure, the next request tries again. */
export function createDashboard(log: Logger): Dashboard {
  let loading: Promise<Build> | undefined;

  function load(): Promise<Build> {
    loading ??= import('./build.ts')
      .then(({ loadBuild }) => loadBuild())
      .catch((err) => {
        loading = undefined;
        log.error({ err }, BUILD_FAILED); // Once for all requests that wait for it.
        throw err;
      });
    return loading;
  }

  return async (request, path, requestId) => {
    const isPage = path === '/';
    requireRead(request, isPage ? path : `${ASSETS}NAME`);
    const build = await load().catch(() => null);
    if (build === null) return errorReply(500, internalError(requestId));
    if (isPage) return pageReply(build, request.headers);
    const asset = build.assets.get(path.slice(ASSETS.length));
    const type = TYPES.get(extname(path));
    if (type === undefined || asset === undefined) throw unknownPath(path);
    return assetReply(asset, type, request.headers);
  };
}

const BUILD_FAILED =
  'the dashboard cannot be bundled; run `npm run dashboard` where all packages are installed, or set DASHBOARD=off';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

/** The name of an asset has a hash of its content, so its content never changes. */
const ASSET_HEADERS = { 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' };

const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

function pageReply(build: Build, headers: IncomingHttpHeaders): Reply {
  const body = pageOf(build);
  const etag = `W/"${createHash('sha256').update(body).digest('base64')}"`;
  const common = { ...PAGE_HEADERS, etag, 'content-security-policy': POLICY };
  return headers['if-none-match']?.includes(etag)
    ? { status: 304, headers: common }
    : { status: 200, headers: common, body };
}

function assetReply(asset: Asset, type: string, headers: IncomingHttpHeaders): Reply {
  const encoding = encodingOf(headers);
  const common = { ...ASSET_HEADERS, 'content-type': type };
  return encoding === 'identity'
    ? { status: 200, headers: common, body: asset.identity }
    : { status: 200, headers: { ...common, 'content-encoding': encoding }, body: asset[encoding] };
}

const ENCODINGS = ['br', 'gzip', 'identity'] as const;

/** The option `preferred` is missing in its types. */
interface PreferringNegotiator {
  encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
}

function encodingOf(headers: IncomingHttpHeaders): (typeof ENCODINGS)[number] {
  const negotiator: PreferringNegotiator = new Negotiator({ headers });
  const [best] = negotiator.encodings(ENCODINGS, { preferred: ENCODINGS });
  return ENCODINGS.find((name) => name === best) ?? 'identity';
}

/** The theme script is no module: it has to run before the first paint. */
const pageOf = ({ entries: { main, theme, style, icon } }: Build) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Finetune Gateway</title>
<link rel="icon" href="assets/${icon}" type="image/svg+xml">
<link rel="stylesheet" href="assets/${style}">
<script src="assets/${theme}"></script>
<script type="module" src="assets/${main}"></script>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript. The API is at <a href="graphql">graphql</a>.</noscript>
</body>
</html>
`;
