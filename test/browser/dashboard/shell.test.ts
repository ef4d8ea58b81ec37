import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenFile } from '../../kit/process/token.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, LIVELY, openDashboard, startDashboardGateway, waitUntilLive } from './gateway.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('the dashboard on the sandbox', () => {
  it('lists the jobs, and shows a new status without a reload', async () => {
    const { url } = await startDashboardGateway(LIVELY);
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await waitUntilLive(page);
    expect(await page.title()).toBe('Jobs · Finetune Gateway');
    await page.getByText('sandbox', { exact: true }).waitFor();
    const statuses = () => page.locator('[data-job] [data-status]').allTextContents();
    await page.locator('[data-job]').first().waitFor();
    const before = await statuses();
    await expect.poll(statuses, { timeout: 60_000 }).not.toEqual(before);
    await page.getByText(/^updated (now|\d+ s ago)$/).waitFor();
    expect(watched.requests.filter((request) => request === url)).toHaveLength(1);
    expectQuiet(watched, url);
  });

  it('has a light and a dark theme, which a reload keeps', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await waitUntilLive(page);
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.getByRole('button', { name: 'Dark theme' }).click();
    expect(await background()).toBe('rgb(15, 18, 23)');
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-shell-dark.png` });
    await page.reload();
    await waitUntilLive(page);
    expect(await background()).toBe('rgb(15, 18, 23)');
    await page.getByRole('button', { name: 'Light theme' }).click();
    expect(await background()).toBe('rgb(255, 255, 255)');
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-shell-light.png` });
    await page.getByRole('button', { name: 'System theme' }).click();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await background()).toBe('rgb(15, 18, 23)');
    expectQuiet(watched, url);
  });

  it('goes to each page by its hash, and to GraphiQL', async () => {
    const { url, graphUrl } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/nowhere');
    const { page } = watched;
    await page.getByRole('heading', { name: 'This page does not exist' }).waitFor();
    await page.getByRole('link', { name: 'Start a job' }).click();
    await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toBe('Start a job');
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.locator('[data-job] a').first().click();
    await expect.poll(() => page.url()).toMatch(/#\/jobs\/ftjob-/);
    expect(await page.getByRole('link', { name: 'GraphiQL' }).getAttribute('href')).toBe(new URL(graphUrl).pathname);
    expectQuiet(watched, url);
  });

  it('shows its keyboard shortcuts on ?, unless they are turned off', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await openDashboard(browser, url);
    await waitUntilLive(page);
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await page.keyboard.press('?');
    await dialog.getByLabel('Use keyboard shortcuts').uncheck();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    expect(await dialog.count()).toBe(0);
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await dialog.waitFor();
  });
});

it('shows the way to start a job when the quota is used up, and the reason on its page', async () => {
  const { url } = await startDashboardGateway({ MAX_CREATES_PER_DAY: '0' });
  const { page } = await openDashboard(browser, url);
  await page.getByRole('link', { name: 'Start a job' }).click();
  await page.getByText('Your daily quota of jobs in this gateway is used up').waitFor();
});

describe('the dashboard of a gateway with tokens', () => {
  it('asks for a token once, and then shows the jobs and the caller', async () => {
    const { tokens, file } = tokenFile({ otto: 'operator' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    const dialog = page.locator('#token-dialog');
    await dialog.getByText('This gateway requires a token').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-token.png` });
    await dialog.locator('input').fill('wrong');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.getByText('This token is unknown, revoked or expired').waitFor();
    await dialog.locator('input').fill(tokens.otto);
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('otto (operator)').waitFor();
    await page.locator('[data-job]').first().waitFor();
    await waitUntilLive(page);
    expect(await page.evaluate('sessionStorage.getItem("finetune-gateway-token")')).toBe(tokens.otto);
  });

  it('says why it shows nothing when the user skips the token, and takes one later', async () => {
    const { tokens, file } = tokenFile({ otto: 'operator' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const { page } = await openDashboard(browser, url);
    await page.locator('#token-dialog').getByRole('button', { name: 'Skip' }).click();
    await page.getByText('This gateway requires a token.').waitFor();
    await page.getByRole('button', { name: 'Enter a token' }).click();
    await page.locator('#token-dialog input').fill(tokens.otto);
    await page.keyboard.press('Enter');
    await page.locator('[data-job]').first().waitFor();
  });

  it('lets the caller enter another token, and forget it', async () => {
    const { tokens, file } = tokenFile({ vera: 'viewer', otto: 'operator' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    const dialog = page.locator('#token-dialog');
    await dialog.locator('input').fill(tokens.vera);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Enter another token' }).click();
    await dialog.getByText('Another token of this gateway').waitFor();
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-token-change.png` });
    await dialog.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'vera (viewer)' }).click();
    await dialog.locator('input').fill(tokens.otto);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'otto (operator)' }).click();
    await dialog.getByRole('button', { name: 'Forget the token' }).click();
    await dialog.getByText('This gateway requires a token').waitFor();
    expect(await page.evaluate('sessionStorage.getItem("finetune-gateway-token")')).toBe(null);
  });
});
