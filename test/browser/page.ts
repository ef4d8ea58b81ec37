import { existsSync, mkdirSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** The folder of screenshots. */
export const SCREENSHOTS = 'out';

/** Starts a browser without background requests, with further `flags` of Chromium. */
export const launch = (...flags: readonly string[]): Promise<Browser> => start(flags, []);

/** The same, which limits changes of the URL as the browsers of users do: Playwright turns that off. */
export const launchWithFloodProtection = (): Promise<Browser> => start([], ['--disable-ipc-flooding-protection']);

async function start(flags: readonly string[], ignoreDefaultArgs: string[]): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`CHROMIUM: ${CHROMIUM} does not exist; expected the path of Chromium, such as /usr/bin/chromium`);
  }
  mkdirSync(SCREENSHOTS, { recursive: true });
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    ...flags,
  ];
  return await chromium.launch({ executablePath: CHROMIUM, args, ignoreDefaultArgs });
}

/** A page, with its console errors and warnings and the URLs of its requests. */
export interface WatchedPage {
  page: Page;
  consoleErrors: string[];
  requests: string[];
}

/** Opens an empty page with its own storage. It is closed at the end of the test. */
export async function newPage(browser: Browser): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(60_000); // Shorter than the test's, so that the error names the element.
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const consoleErrors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && consoleErrors.push(message.text()));
  page.on('pageerror', (error) => consoleErrors.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  return { page, consoleErrors, requests };
}

/** Opens GraphiQL and waits until it can be used. */
export async function openGraphiql(browser: Browser, url: string): Promise<WatchedPage> {
  const watched = await newPage(browser);
  await watched.page.goto(url);
  await watched.page.locator('.graphiql-execute-button').waitFor();
  return watched;
}

/** Selects a tab and waits until the editor shows its document. */
export async function selectTab(page: Page, tab: string): Promise<void> {
  const operation = new RegExp(`(query|mutation|subscription)\\s${tab}\\b`);
  await page
    .locator('.graphiql-tab-button')
    .filter({ hasText: new RegExp(`^${tab}$`) })
    .click();
  await page.locator('.graphiql-query-editor .view-lines').filter({ hasText: operation }).waitFor();
}

/**
 * Clicks the run button until the page sends a matching request. Just after a change of tabs GraphiQL still looks for the
 * operation of the previous tab, and sends nothing.
 */
export async function execute(page: Page, isMatch: (method: string, url: string) => boolean): Promise<void> {
  let isSent = false;
  page.on('request', (request) => {
    isSent ||= isMatch(request.method(), request.url());
  });
  const clickOnce = async () => {
    if (!isSent) await page.locator('.graphiql-execute-button').click();
    return isSent;
  };
  await expect.poll(clickOnce, { interval: 300, timeout: 60_000 }).toBe(true);
}
