import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenFile } from '../../kit/process/token.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { openDashboard, startDashboardGateway, waitUntilLive } from './gateway.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

it('the shell, its help and its messages are accessible', async () => {
  const { url } = await startDashboardGateway();
  const { page } = await openDashboard(browser, url);
  await waitUntilLive(page);
  await page.locator('[data-job]').first().waitFor();
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 860 });
  await page.screenshot({ path: `${SCREENSHOTS}/dashboard-shell-320.png` });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await expectAccessible(page);
  await page.screenshot({ path: `${SCREENSHOTS}/dashboard-shortcuts.png` });
});

it('the token dialog and the notice without a token are accessible', async () => {
  const { url } = await startDashboardGateway({
    AUTH: 'tokens',
    AUTH_TOKENS_FILE: tokenFile({ otto: 'operator' }).file,
  });
  const { page } = await openDashboard(browser, url);
  const dialog = page.getByRole('dialog', { name: 'Token' });
  await dialog.waitFor();
  expect(await page.evaluate('document.activeElement.type')).toBe('password');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByText('This gateway requires a token.').waitFor();
  await expectAccessible(page);
});
