import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { type Nemesis, startNemesis } from '../../kit/fleet/nemesis.ts';
import { startScript } from '../../kit/process/process.ts';
import { newPage, type WatchedPage } from '../page.ts';

/** A gateway in a process of its own, on the sandbox unless the settings name an upstream. */
export interface DashboardGateway {
  /** Of the dashboard, such as `http://127.0.0.1:4000/`. */
  readonly url: string;
  /** Of the graph. */
  readonly graphUrl: string;
}

/** Settings with which a status changes every few seconds. */
export const LIVELY = { SANDBOX_SPEED: '40', POLL_INTERVAL_MS: '500' };

/** Starts a gateway, which is ended with the test. */
export async function startDashboardGateway(settings: Record<string, string> = {}): Promise<DashboardGateway> {
  const gateway = startScript('src/main.ts', [], { PORT: '0', ...settings });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const [, graphUrl = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  return { url: new URL('.', graphUrl).href, graphUrl };
}

/** Starts a relay in front of a gateway, which can cut its connections. `url` is that of the dashboard over it. */
export async function startRelay(url: string): Promise<{ relay: Nemesis; url: string }> {
  const relay = await startNemesis(Number(new URL(url).port));
  onTestFinished(() => relay[Symbol.asyncDispose]());
  return { relay, url: `http://${new URL(relay.url).host}/` };
}

/** Opens the dashboard at a route such as `#/jobs/ftjob-abc123`. */
export async function openDashboard(browser: Browser, url: string, hash = ''): Promise<WatchedPage> {
  const watched = await newPage(browser);
  await watched.page.goto(`${url}${hash}`);
  return watched;
}

/** Asserts that a page made no console error, no CSP violation, and no request to another origin. */
export function expectQuiet({ consoleErrors, requests }: WatchedPage, url: string): void {
  expect(consoleErrors).toEqual([]);
  expect(requests.filter((request) => new URL(request).origin !== new URL(url).origin)).toEqual([]);
}

/** Resolves when the page has a live connection. */
export async function waitUntilLive(page: Page): Promise<void> {
  await page.locator('.connection[data-state="live"]').waitFor();
}
