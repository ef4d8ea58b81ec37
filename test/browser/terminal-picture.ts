import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { draw } from '../../src/terminal/draw.ts';
import { createGatewayClient } from '../../src/terminal/gateway-client.ts';
import { createFollower } from '../../src/terminal/job-follower.ts';
import { createJobTable } from '../../src/terminal/job-table.ts';
import { launch } from './page.ts';
import { CURVES_MS, startPictureSandbox } from './picture-sandbox.ts';

// The script behind `npm run picture:terminal`: runs `npm run watch` on a sandbox, and writes its screen to docs/jobs.png.

const FILE = 'docs/jobs.png';
const SHOWN_URL = 'http://127.0.0.1:4000/graphql';
const [COLUMNS, ROWS] = [116, 16];
const COLORS: Readonly<Record<string, string>> = {
  31: 'color:#ff7b72',
  32: 'color:#7ee787',
  33: 'color:#e3b341',
  34: 'color:#79c0ff',
  35: 'color:#d2a8ff',
  36: 'color:#56d4dd',
  1: 'font-weight:bold',
  2: 'opacity:.6',
};

/** The screen of `npm run watch` after `ms`. */
async function recordFrame(url: string, ms: number): Promise<string> {
  const end = new AbortController();
  const table = createJobTable();
  const client = createGatewayClient({ url, token: undefined, clock: systemClock, onConnection() {} });
  const max = () => ROWS - 2;
  const follower = createFollower({ client, table, jobId: undefined, max, onChange() {}, signal: end.signal });
  void follower.run().catch(() => {});
  await sleep(ms);
  end.abort();
  const heading = `Fine-tuning jobs at ${SHOWN_URL}`;
  const frame = { width: COLUMNS, height: ROWS, now: systemClock.now(), isColored: true, heading, notice: undefined };
  return draw(table.rows(), frame).join('\n');
}

/** Text with ANSI colors as HTML. */
function toHtml(frame: string): string {
  const escaped = frame.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  let open = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  const colored = escaped.replace(/\u001b\[([\d;?]*)([A-Za-z])/g, (_, codes: string, kind: string) => {
    if (kind !== 'm') return '';
    const style = COLORS[codes];
    if (style !== undefined) {
      open++;
      return `<span style="${style}">`;
    }
    if (open === 0) return '';
    open--;
    return '</span>';
  });
  return colored + '</span>'.repeat(open);
}

const style = 'margin:0;padding:16px 20px;background:#0d1117;color:#e6edf3;font:14px/1.45 "DejaVu Sans Mono",monospace';

await using sandbox = await startPictureSandbox();
const frame = await recordFrame(sandbox.url, CURVES_MS);
const browser = await launch();
const page = await browser.newPage({ deviceScaleFactor: 2 });
await page.setContent(
  `<body style="margin:0"><pre style='${style};display:inline-block'>${toHtml(frame)}</pre></body>`,
);
mkdirSync(dirname(FILE), { recursive: true });
await page.locator('pre').screenshot({ path: FILE });
await browser.close();
process.stdout.write(`${FILE} is written.\n`);
