import { existsSync, mkdirSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Where pictures of what was seen are put. */
export const PICTURES = 'out';

/** A browser that asks nobody by itself. */
export async function launch(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error('Chromium: expected at /usr/bin/chromium, or where CHROMIUM says');
  mkdirSync(PICTURES, { recursive: true });
  const quiet = [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return await chromium.launch({ executablePath: CHROMIUM, args: quiet });
}

/** A page, and everything that it complained about or asked for. */
export interface Watched {
  page: Page;
  complaints: string[];
  requests: string[];
}

/** An empty page with a store of its own, until the end of the test. */
export async function newPage(browser: Browser): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(25_000); // Less than a test has: so it says what it waited for.
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  return { page, complaints, requests };
}

/** GraphiQL, as soon as it can be used. */
export async function openGraphiql(browser: Browser, url: string): Promise<Watched> {
  const watched = await newPage(browser);
  await watched.page.goto(url);
  await watched.page.locator('.graphiql-execute-button').waitFor();
  return watched;
}

/** Chooses a tab, and waits until the editor has its query. */
export async function turnTo(page: Page, tab: string): Promise<void> {
  const shown = new RegExp(`(query|mutation|subscription)\\s${tab}\\b`);
  await page
    .locator('.graphiql-tab-button')
    .filter({ hasText: new RegExp(`^${tab}$`) })
    .click();
  await page.locator('.graphiql-query-editor .view-lines').filter({ hasText: shown }).waitFor();
}

/**
 * Presses the button until the page asks something. For a moment after a change of tabs GraphiQL looks for the operation
 * of the tab before, and asks nothing.
 */
export async function press(page: Page, isQuestion: (method: string, url: string) => boolean): Promise<void> {
  let isAsked = false;
  page.on('request', (request) => {
    isAsked ||= isQuestion(request.method(), request.url());
  });
  const pressOnce = async () => {
    if (!isAsked) await page.locator('.graphiql-execute-button').click();
    return isAsked;
  };
  await expect.poll(pressOnce, { interval: 300, timeout: 25_000 }).toBe(true);
}
