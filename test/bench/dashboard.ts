import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { launch } from '../browser/page.ts';
import { keepSubscription, RUNNING_JOBS, sendDay } from '../kit/dashboard/live-day.ts';
import { startUpstream } from '../kit/gateway/upstream.ts';
import { startScript } from '../kit/process/process.ts';
import { curveJob, JOBS, POINTS, scriptDashboardJobs } from './dashboard-jobs.ts';
import { median } from './numbers.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';

const help = `Measures the dashboard in Chromium: the first paint of the board with ${JOBS} jobs and of a curve with ${POINTS} steps, the
time from an input to the next frame, the heap in the course of a day of changes, and the start of the gateway with and without it.

Usage: npm run bench:dashboard -- [--runs 5] [--docs]

  --runs  number of times that each page is opened and the gateway is started
  --docs  writes the table into docs/performance.md, too
`;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const runs = wholeNumber('runs', values.runs, 100);
  await using upstream = await startUpstream();
  scriptDashboardJobs(upstream);
  const settings = {
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: 'bench',
    PORT: '0',
    UPSTREAM_MAX_RPS: '100000',
  };
  const starts = { on: [] as number[], off: [] as number[] };
  for (let run = 0; run <= runs; run++) {
    for (const state of ['on', 'off'] as const) {
      signal.throwIfAborted();
      const ms = await startMs({ ...settings, DASHBOARD: state });
      if (run > 0) starts[state].push(ms); // The first start fills the caches of the file system and of compiled code.
    }
  }
  print('The starts are measured.');
  await using gateway = startScript('src/main.ts', [], settings);
  const [, graphUrl = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const url = new URL('.', graphUrl).href;
  const browser = await launch();
  try {
    const rows = [
      ...(await paintRows(browser, url, runs, signal)),
      ...(await inputRows(browser, url)),
      ...(await heapRows(browser, url)),
      row('start of the gateway with the dashboard, ms', starts.on),
      row('start of the gateway without it, ms', starts.off),
    ];
    await publish('dashboard', `| | median | largest |\n|---|---:|---:|\n${rows.join('\n')}\n`, values.docs);
  } finally {
    await browser.close();
  }
}

const row = (name: string, values: readonly number[], digits = 0) =>
  `| ${[name, median(values).toFixed(digits), Math.max(...values).toFixed(digits)].join(' | ')} |`;

async function startMs(settings: Record<string, string>): Promise<number> {
  const startedAt = performance.now();
  await using gateway = startScript('src/main.ts', [], settings);
  const [, graphUrl = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const { pathname, origin } = new URL(graphUrl);
  await (
    await fetch(`${origin}${pathname}?query={__typename}`, { headers: { 'apollo-require-preflight': '1' } })
  ).text();
  return performance.now() - startedAt;
}

/** The times from the navigation to the frame after an element has appeared, in milliseconds. The browser cache is empty. */
async function paintRows(browser: Browser, url: string, runs: number, signal: AbortSignal): Promise<string[]> {
  const times = { board: [] as number[], curve: [] as number[] };
  for (let run = 0; run <= runs; run++) {
    signal.throwIfAborted();
    const board = await paintMs(browser, url, '[data-job]');
    const curve = await paintMs(browser, `${url}#/jobs/${curveJob.id}`, '.plot canvas');
    if (run === 0) continue; // Fills the caches of the gateway.
    times.board.push(board);
    times.curve.push(curve);
  }
  print('The paints are measured.');
  return [row(`first rows of ${JOBS} jobs, ms`, times.board), row(`first curve of ${POINTS} steps, ms`, times.curve)];
}

async function paintMs(browser: Browser, url: string, selector: string): Promise<number> {
  const page = await openPage(browser);
  await page.addInitScript(`{
    const look = () => {
      if (document.querySelector('${selector}') === null) return requestAnimationFrame(look);
      requestAnimationFrame(() => { document.documentElement.dataset.paintedAt = performance.now(); });
    };
    requestAnimationFrame(look);
  }`);
  await page.goto(url);
  const ms = Number(await page.locator('[data-painted-at]').getAttribute('data-painted-at'));
  await page.context().close();
  return ms;
}

async function openPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  await page.addInitScript(`
    globalThis.inputs = [];
    new PerformanceObserver((list) => {
      for (const { interactionId, duration } of list.getEntries()) if (interactionId > 0) inputs.push(duration);
    }).observe({ type: 'event', durationThreshold: 16, buffered: true });
  `);
  return page;
}

/** The times from an input to the next frame (the Event Timing API, in steps of 8 ms; inputs below 16 ms are not reported). */
async function inputRows(browser: Browser, url: string): Promise<string[]> {
  const board = await openPage(browser);
  await board.goto(url);
  for (
    let rows = 0;
    rows < JOBS;
    rows = Number(await board.locator('[aria-rowcount]').getAttribute('aria-rowcount')) - 1
  ) {
    await board.evaluate('scrollTo(0, document.body.scrollHeight)');
    await board.waitForTimeout(100);
  }
  await board.evaluate('scrollTo(0, 0)');
  const rows = [
    row(
      `board of ${JOBS} jobs: search, a letter, ms`,
      await inputs(board, async () => {
        await board.getByRole('searchbox').pressSequentially('job-12', { delay: 60 });
        await board.getByRole('searchbox').fill('');
      }),
    ),
    row(
      `board of ${JOBS} jobs: filter by status, ms`,
      await inputs(board, async () => {
        for (let click = 0; click < 6; click++)
          await board
            .locator('.chip')
            .nth(click % 2)
            .click();
      }),
    ),
    row(
      `board of ${JOBS} jobs: sort, ms`,
      await inputs(board, async () => {
        for (let click = 0; click < 6; click++)
          await board
            .locator('th button')
            .nth(click % 3)
            .click();
      }),
    ),
    row(
      `board of ${JOBS} jobs: next row by key, ms`,
      await inputs(board, async () => {
        for (let press = 0; press < 20; press++) await board.keyboard.press('j', { delay: 20 });
      }),
    ),
  ];
  rows.push(row(`board of ${JOBS} jobs: scroll, a frame, ms`, await scrollFrames(board)));
  await board.context().close();
  const job = await openPage(browser);
  await job.goto(`${url}#/jobs/${curveJob.id}`);
  await job.locator('.plot canvas').first().waitFor();
  const chart = job.getByRole('application').first();
  rows.push(
    row(
      `curve of ${POINTS} steps: crosshair by key, ms`,
      await inputs(job, async () => {
        await chart.focus();
        for (let press = 0; press < 20; press++) await job.keyboard.press('ArrowLeft', { delay: 20 });
      }),
    ),
    row(
      `curve of ${POINTS} steps: zoom by key, ms`,
      await inputs(job, async () => {
        await chart.focus();
        for (const key of ['+', '+', '+', '-', '-', '0']) await job.keyboard.press(key, { delay: 60 });
      }),
    ),
    row(
      `curve of ${POINTS} steps: smoothing by key, ms`,
      await inputs(job, async () => {
        await job.getByRole('slider').first().focus();
        for (let press = 0; press < 20; press++) await job.keyboard.press('ArrowRight', { delay: 30 });
      }),
    ),
    row(
      `curve of ${POINTS} steps: logarithmic axis, ms`,
      await inputs(job, async () => {
        for (let click = 0; click < 4; click++) await job.getByLabel('Log y').click();
      }),
    ),
  );
  await job.context().close();
  print('The inputs are measured.');
  return rows;
}

/** The times between frames while the wheel scrolls through the board. */
async function scrollFrames(page: Page): Promise<number[]> {
  await page.mouse.move(640, 500);
  await page.evaluate(`{
    globalThis.frames = [];
    let last = performance.now();
    const next = (now) => { frames.push(now - last); last = now; if (frames.length < 240) requestAnimationFrame(next); };
    requestAnimationFrame(next);
  }`);
  for (let turn = 0; turn < 60; turn++) {
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(30);
  }
  return (await page.evaluate('frames.slice(1)')) as number[];
}

async function inputs(page: Page, act: () => Promise<void>): Promise<number[]> {
  await page.waitForTimeout(500);
  await page.evaluate('inputs.length = 0');
  await act();
  await page.waitForTimeout(300);
  const durations = (await page.evaluate('inputs')) as number[];
  return durations.length > 0 ? durations : [0];
}

async function heapRows(browser: Browser, url: string): Promise<string[]> {
  const page = await openPage(browser);
  await keepSubscription(page);
  await page.goto(url);
  const heaps = await sendDay(page);
  const mib = (bytes: readonly number[]) => bytes.map((value) => value / 2 ** 20);
  const half = Math.floor(heaps.length / 2);
  return [
    row(`heap of the board with ${RUNNING_JOBS} running jobs, first half of a day, MiB`, mib(heaps.slice(1, half)), 2),
    row('the same, second half, MiB', mib(heaps.slice(half)), 2),
  ];
}

await runProgram(main);
