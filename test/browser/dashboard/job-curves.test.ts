import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { lossOf, openCurve } from './curve-page.ts';
import { expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import { startScriptedDashboard } from './scripted.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const position = (page: Page) => page.locator('.curve-position').textContent();
const announced = (page: Page) => page.locator('[data-announced]').textContent();
const chart = (page: Page) => page.getByRole('application');

describe('the curves of a job', () => {
  it('have a crosshair on measured steps, which the keyboard moves and a screen reader hears', async () => {
    const { page } = await openCurve(browser, 40);
    expect(await position(page)).toMatch(/^Step 40 .*\(newest\)/);
    await chart(page).focus();
    await page.keyboard.press('ArrowRight');
    expect(await announced(page)).toBe('Step 1: training loss 2, training token accuracy 0.5');
    await page.keyboard.press('PageDown');
    await page.keyboard.press('PageDown');
    await page.keyboard.press('ArrowRight');
    expect(await announced(page)).toMatch(/^Step 10: training loss 0\.6325, validation loss 0\.7325/);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    expect(await position(page)).toMatch(/^Step 39 /);
    await page.keyboard.press('Home');
    for (let step = 1; step < 20; step++) await page.keyboard.press('ArrowRight');
    expect(await announced(page)).toMatch(/^Step 20, checkpoint: /);
    await page.keyboard.press('Escape');
    expect(await position(page)).toMatch(/\(newest\)/);
  });

  it('follow the pointer from step to step', async () => {
    const { page } = await openCurve(browser, 5);
    const plot = page.locator('[data-plot="Loss"] .u-over');
    const box = await plot.boundingBox();
    if (box === null) throw new Error('The plot is not visible.');
    await page.mouse.move(box.x + box.width * 0.29, box.y + 50);
    await expect.poll(() => position(page)).toMatch(/^Step 2 /);
    const line = await page.locator('[data-plot="Loss"] .u-cursor-x').boundingBox();
    expect(Math.abs((line?.x ?? 0) - (box.x + box.width / 4))).toBeLessThan(2);
    await page.mouse.move(0, 0);
    await expect.poll(() => position(page)).toMatch(/\(newest\)/);
  });

  it.each(['light', 'dark'] as const)(
    'mark the point of the crosshair by a ring, in the %s theme',
    async (colorScheme) => {
      const { page } = await openCurve(browser, 5);
      await page.emulateMedia({ colorScheme });
      await chart(page).focus();
      await page.keyboard.press('Home'); // At the edge.
      const plot = page.locator('[data-plot="Loss"]');
      const ring = plot.locator('.u-cursor-pt:not(.u-off)').first();
      const style = () =>
        ring.evaluate((mark) => {
          const { borderTopColor, borderTopWidth } = getComputedStyle(mark);
          return [borderTopColor, borderTopWidth] as const;
        });
      await ring.waitFor();
      const swatch = page.locator('.legend-item .swatch').first();
      const color = () => swatch.evaluate((element) => getComputedStyle(element).backgroundColor);
      await expect.poll(async () => (await style())[0] === (await color())).toBe(true);
      expect(Number.parseFloat((await style())[1])).toBeGreaterThan(1);
      await page.screenshot({ path: `${SCREENSHOTS}/dashboard-crosshair-${colorScheme}.png` });
    },
  );

  it('are not before facts that a narrow page cannot reach', async () => {
    const { page } = await openCurve(browser, 5);
    const button = page.getByRole('button', { name: 'Facts', exact: true });
    expect(await button.isVisible()).toBe(false);
    await page.setViewportSize({ width: 320, height: 700 });
    await button.click();
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('job-facts');
    await expect
      .poll(() => page.locator('#job-facts').evaluate((facts) => Math.abs(facts.getBoundingClientRect().top)))
      .toBeLessThan(200);
  });

  it('zoom by drag and by key, and show all again', async () => {
    const { page } = await openCurve(browser, 100, '?table=1');
    const rows = page.locator('[data-step]');
    expect(await rows.count()).toBe(100);
    const box = await page.locator('[data-plot="Loss"] .u-over').boundingBox();
    if (box === null) throw new Error('The plot is not visible.');
    await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.url()).toMatch(/zoom=/);
    const zoomed = await rows.count();
    expect(zoomed).toBeGreaterThan(20);
    expect(zoomed).toBeLessThan(30);
    await page.reload();
    await page.locator('.plot canvas').first().waitFor();
    expect(await rows.count()).toBe(zoomed);
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    await expect.poll(() => rows.count()).toBe(100);
    await chart(page).focus();
    await page.keyboard.press('+');
    await expect.poll(() => rows.count()).toBe(50);
    await page.keyboard.press('0');
    await expect.poll(() => rows.count()).toBe(100);
    await page.keyboard.press('+');
    await expect.poll(() => rows.count()).toBe(50);
    await page.locator('[data-plot="Loss"] .u-over').dblclick();
    await expect.poll(() => rows.count()).toBe(100);
  });

  it('keep each choice of the view in the URL', async () => {
    const { page } = await openCurve(browser, 30);
    await page.getByRole('button', { name: 'Epoch' }).click();
    await page.getByLabel('Smoothing').fill('0.6');
    await page.getByLabel('Log y').check();
    await page.getByRole('button', { name: 'Validation loss' }).click();
    await expect
      .poll(() => new URLSearchParams(page.url().split('?')[1]).toString())
      .toBe('x=epoch&smooth=0.6&log=1&hide=validLoss');
    await page.reload();
    await page.locator('.plot canvas').first().waitFor();
    expect(await page.getByRole('button', { name: 'Epoch' }).getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByLabel('Smoothing').inputValue()).toBe('0.6');
    expect(await page.getByLabel('Log y').isChecked()).toBe(true);
    expect(await page.getByRole('button', { name: 'Validation loss' }).getAttribute('aria-pressed')).toBe('false');
    expect(await page.getByRole('button', { name: 'Time' }).getAttribute('aria-disabled')).toBe('true');
    await page.getByText('Time: Steps from a results file have no times.').waitFor();
  });

  it('are shown by epoch while the epochs are still auto, once full validations show where they end', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const hyperparameters = { n_epochs: 'auto', batch_size: 'auto', learning_rate_multiplier: 'auto' };
    const job = jobBody({ hyperparameters, method: { type: 'supervised', supervised: { hyperparameters } } });
    const steps = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        stepBody(index + 1, 60, index % 20 === 19 ? { full_valid_loss: 0.5 } : {}),
      ).toReversed();
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    upstream.onEvents(job.id, steps(20));
    const { page } = await openDashboard(browser, url, `#/jobs/${job.id}`);
    const epoch = page.getByRole('button', { name: 'Epoch' });
    await page.getByText('Epoch: Not until the upstream reports').waitFor();
    expect(await epoch.getAttribute('aria-disabled')).toBe('true');
    upstream.onEvents(job.id, steps(50));
    await expect.poll(() => epoch.getAttribute('aria-disabled')).toBe('false');
    await epoch.click();
    await expect.poll(() => position(page)).toMatch(/^Step 50 · epoch 2\.50 /);
  });

  it('draw 10,000 steps', async () => {
    const { page, ...watched } = await openCurve(browser, 10_000, '?table=1');
    await page.getByText('1 to 100 of 10,000 steps').waitFor();
    await chart(page).focus();
    await page.keyboard.press('End');
    expect(await announced(page)).toMatch(/^Step 10,000: /);
    expectQuiet({ page, ...watched }, watched.url);
  });

  it('are accessible', async () => {
    const { page } = await openCurve(browser, 40, '?table=1&smooth=0.5');
    await expectAccessible(page);
    await page.setViewportSize({ width: 320, height: 860 });
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-job-320.png`, fullPage: true });
  });
});

describe('the exports of a curve', () => {
  async function exported(page: Page, form: string): Promise<Buffer> {
    const download = page.waitForEvent('download');
    await page.getByRole('group', { name: 'Export' }).getByText(form).click();
    return readFileSync(await (await download).path());
  }

  it('have all steps as CSV and JSON, and the picture as PNG', async () => {
    const { page, id } = await openCurve(browser, 30);
    const [header, ...lines] = (await exported(page, 'CSV')).toString().trim().split('\n');
    expect(header).toMatch(/^step,createdAt,trainLoss,/);
    expect(lines.map((line) => line.split(',').slice(0, 3).join())).toEqual(
      Array.from({ length: 30 }, (_, index) => `${index + 1},,${lossOf(index + 1)}`),
    );
    const json = JSON.parse((await exported(page, 'JSON')).toString());
    expect(json).toMatchObject({ jobId: id, totalPoints: 30 });
    expect(json.points[9]).toMatchObject({ step: 10, trainLoss: lossOf(10), validLoss: lossOf(10) + 0.1 });
    await page.evaluate(`window.written = [];
      const { fillText } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        written.push(text);
        fillText.call(this, text, ...place);
      };`);
    const png = await exported(page, 'PNG');
    expect(await page.evaluate('written')).toEqual(expect.arrayContaining(['support', id]));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBeGreaterThan(600);
    expect(png.readUInt32BE(20)).toBeGreaterThan(500);
  });

  it('are sent with the token, which the texts to copy do not have', async () => {
    const { tokens, file } = tokenFile({ otto: 'operator' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const { page } = await openDashboard(browser, url);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('#token-dialog input').fill(tokens.otto);
    await page.keyboard.press('Enter');
    await page.locator('[data-job]:has([data-status="SUCCEEDED"]) a').first().click();
    await page.locator('.plot canvas').first().waitFor();
    expect((await exported(page, 'CSV')).toString()).toMatch(/^step,createdAt,trainLoss,.*\n1,/);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const copied = () => page.evaluate('navigator.clipboard.readText()');
    await expect.poll(copied).toContain('Authorization: Bearer $TOKEN');
    expect(await copied()).not.toContain(tokens.otto);
    await page.getByRole('button', { name: 'Copy as GraphQL' }).click();
    await expect.poll(copied).toMatch(/fineTuningJob\(id: "ftjob-/);
    const content = page.waitForEvent('download');
    await page.locator('.job-facts a[download]').first().click();
    expect(readFileSync(await (await content).path()).toString()).toMatch(/^\{"messages"/);
  });
});
