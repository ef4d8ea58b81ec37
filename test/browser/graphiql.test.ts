import { existsSync, mkdirSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScript, type TestProcess } from '../kit/process.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const PICTURES = 'out';

/** A page, and everything that it complained about or asked for. */
interface Watched {
  page: Page;
  complaints: string[];
  requests: string[];
}

let gateway: TestProcess;
let url: string;
let browser: Browser;
beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error('Chromium: expected at /usr/bin/chromium, or where CHROMIUM says');
  mkdirSync(PICTURES, { recursive: true });
  gateway = startScript('src/main.ts', [], { PORT: '0' });
  url = (await gateway.said(/answers on (http:\S+\/graphql)/))[1] ?? '';
  const quiet = [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  browser = await chromium.launch({ executablePath: CHROMIUM, args: quiet });
});
afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

async function open(): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  await page.locator('.graphiql-execute-button').waitFor();
  return { page, complaints, requests };
}

/** Presses the button, waits until the right side shows something, and gives what was answered. */
async function run(page: Page): Promise<{ data: Record<string, unknown> }> {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.locator('.graphiql-execute-button').click();
  const answer = await (await answered).json();
  await page.locator('.result-window').getByText('"data"').waitFor();
  return answer;
}

describe('GraphiQL in a browser', () => {
  it('opens with two example tabs that answer on the sandbox', async () => {
    const { page, complaints } = await open();
    const tabs = page.locator('.graphiql-tab-button');
    await tabs.nth(1).waitFor();
    expect(await tabs.allTextContents()).toEqual(['Jobs', 'Job']);

    expect(await run(page)).toEqual({
      data: { gateway: { upstreamName: 'sandbox', isSandbox: true }, fineTuningJobs: expect.anything() },
    });
    await page.screenshot({ path: `${PICTURES}/graphiql-jobs.png` });

    await tabs.nth(1).click();
    expect(await run(page)).toMatchObject({
      data: { fineTuningJob: { status: 'SUCCEEDED', method: expect.anything() } },
    });
    await page.screenshot({ path: `${PICTURES}/graphiql-job.png` });
    expect(complaints).toEqual([]);
  });

  it('shows the descriptions of the schema', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: /Documentation Explorer/i }).click();
    await page.getByRole('link', { name: 'Query' }).click();
    await page.getByText('The jobs of the account, newest first.').waitFor();
    await page.screenshot({ path: `${PICTURES}/graphiql-docs.png` });
  });

  it('complains about nothing, and sends no request to another machine', async () => {
    const { page, complaints, requests } = await open();
    await run(page);
    expect(complaints).toEqual([]);
    const own = new URL(url).origin;
    expect(requests.filter((request) => !request.startsWith(own) && !/^(blob|data):/.test(request))).toEqual([]);
  });
});
