import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { startUpstream } from '../kit/gateway/upstream.ts';
import { type Scene, scenesOf } from './dashboard-scenes.ts';
import { launch, SCREENSHOTS } from './page.ts';
import { curvesGrown, startPictureGateway, startPictureSandbox } from './picture-sandbox.ts';

// The script behind `npm run picture`: writes the board to docs/dashboard.png, and each page in both themes and at each
// width to `out/`. Arguments select scenes by the beginning of their name: `npm run picture -- job start`.

const FILE = 'docs/dashboard.png';
const SIZE = { width: 1280, height: 800 };
const WIDTHS = [320, 768, 1280, 1920];
const THEMES = ['Light', 'Dark'];
/** Sparklines and curves are read after the rows. */
const SETTLED_MS = 2500;
const RESIZED_MS = 300;

const chosen = process.argv.slice(2);
const isChosen = ({ name }: Scene) => chosen.length === 0 || chosen.some((start) => name.startsWith(start));

await using sandbox = await startPictureSandbox();
await curvesGrown();
const browser = await launch();
const home = new URL('.', sandbox.url).href;
await takePictures(home, await scenesOf(sandbox.url));
await takeStates();
if (chosen.length === 0) await takeBoard();
await browser.close();
process.stdout.write(`All pages are in ${SCREENSHOTS}/.\n`);

async function takePictures(url: string, scenes: readonly Scene[]): Promise<void> {
  for (const theme of THEMES) {
    const page = await browser.newPage({ viewport: SIZE });
    for (const scene of scenes.filter(isChosen)) await takeScene(page, url, scene, theme);
    await page.close();
  }
}

async function takeScene(
  page: Page,
  url: string,
  { name, hash, ready, open, isWhole = false }: Scene,
  theme: string,
): Promise<void> {
  await page.goto('about:blank'); // Another hash alone would keep what an earlier scene has opened.
  await page.goto(`${url}${hash}`);
  await page.getByRole('button', { name: `${theme} theme` }).click();
  await page.locator(ready).first().waitFor();
  await open?.(page);
  await sleep(SETTLED_MS);
  for (const width of WIDTHS) {
    await page.setViewportSize({ ...SIZE, width });
    await sleep(RESIZED_MS);
    const path = `${SCREENSHOTS}/dashboard-${name}-${theme.toLowerCase()}-${width}.png`;
    await page.screenshot({ path, fullPage: isWhole });
  }
  await page.setViewportSize(SIZE);
}

/** A list without jobs, and one that cannot be read. */
async function takeStates(): Promise<void> {
  await using upstream = await startUpstream();
  upstream.onJobs([]);
  await using gateway = await startPictureGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: 'sk-pictures',
    ALLOW_MUTATIONS: 'on',
    PORT: '0',
  });
  const url = new URL('.', gateway.url).href;
  await takePictures(url, [{ name: 'empty', hash: '#/', ready: '.empty' }]);
  upstream.failAll((_, response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{}'));
  await sleep(SETTLED_MS); // The list is in the cache until then.
  await takePictures(url, [{ name: 'error', hash: '#/', ready: '.notice-error' }]);
}

/** The picture of README.md. */
async function takeBoard(): Promise<void> {
  const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: 2 });
  await page.goto(home);
  await page.getByRole('button', { name: 'Light theme' }).click();
  await page.locator('.sparkline').first().waitFor();
  await sleep(SETTLED_MS);
  await page.screenshot({ path: FILE });
}
