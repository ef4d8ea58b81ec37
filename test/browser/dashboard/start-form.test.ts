import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingLines } from '../../kit/client/upload.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import { fieldOf, hasFocus, jsonl, startButton, tabTo, trainingUpload, uploadTrainingFile } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

async function openForm() {
  const { url } = await startDashboardGateway();
  return { url, ...(await openDashboard(browser, url, '#/start')) };
}

describe('the form that starts a job', () => {
  it('removes the error of a field that the user changes, and of rows that move', async () => {
    const form = await openForm();
    const { page } = form;
    const errors = () =>
      page.locator('[data-error]').evaluateAll((all) => all.map((one) => Object(one).dataset.error).sort());
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    for (const index of [0, 1]) {
      await page.getByRole('button', { name: 'Add a pair' }).click();
      await fieldOf(page, `metadata.${index}.key`).fill('team');
    }
    await fieldOf(page, 'suffix').fill('s'.repeat(65));
    const [epochs, batch] = ['nEpochs', 'batchSize'].map((name) => `method.supervised.hyperparameters.${name}`);
    if (epochs === undefined || batch === undefined) return expect.unreachable();
    await fieldOf(page, epochs).fill('99');
    await fieldOf(page, batch).fill('999');
    await startButton(page).click();
    await expect.poll(errors).toEqual(['metadata.1.key', batch, epochs, 'suffix']);
    await fieldOf(page, epochs).fill('9');
    await expect.poll(errors).toEqual(['metadata.1.key', batch, 'suffix']);
    expect(await hasFocus(fieldOf(page, epochs))).toBe(true);
    await fieldOf(page, 'suffix').fill('s');
    await page.getByRole('button', { name: 'Remove pair 1' }).click();
    await expect.poll(errors).toEqual([batch]);
    await fieldOf(page, 'method').selectOption('Reinforcement');
    await expect.poll(errors).toEqual([]);
    expectQuiet(form, form.url);
  });

  it('starts no job while a file is uploaded, and none with the file that was chosen before', async () => {
    const form = await openForm();
    const { page } = form;
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    const creates: string[] = [];
    await page.route('**/graphql', (route) => {
      const request = route.request();
      if (request.postData()?.includes('mutation CreateJob')) creates.push(request.url());
      if (request.headers()['content-type']?.startsWith('multipart/')) return undefined; // It is never answered.
      return route.continue();
    });
    await trainingUpload(page).setInputFiles(jsonl(trainingLines(13), 'next.jsonl'));
    await page.getByText('Training file: wait until it is uploaded, or cancel the upload.').waitFor();
    expect(await fieldOf(page, 'trainingFileId').inputValue()).toBe('');
    expect(await startButton(page).getAttribute('aria-disabled')).toBe('true');
    await fieldOf(page, 'suffix').press('Enter');
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-uploading.png`, fullPage: true });
    await page.getByRole('button', { name: 'Cancel the upload' }).click();
    await expect.poll(() => startButton(page).getAttribute('aria-disabled')).toBe('false');
    await startButton(page).click();
    await page.locator('[data-error="trainingFileId"]').waitFor();
    expect(creates).toEqual([]);
  });

  it('stays when a file is dropped beside its drop zones', async () => {
    const { page } = await openForm();
    await startButton(page).waitFor();
    const drop = (name: string) =>
      page.evaluate(
        `!document.querySelector('h1').dispatchEvent(new DragEvent('${name}', { bubbles: true, cancelable: true }))`,
      );
    expect([await drop('dragover'), await drop('drop')]).toEqual([true, true]);
  });

  it('begins anew by keyboard, after a confirmation unless it is empty', async () => {
    const form = await openForm();
    const { page } = form;
    const startOver = page.getByRole('button', { name: 'Start over' });
    const heading = page.getByRole('heading', { name: 'Start a job', level: 1 });
    await tabTo(page, startOver);
    await page.keyboard.press('Enter');
    await expect.poll(() => hasFocus(heading)).toBe(true);
    await fieldOf(page, 'suffix').fill('kept');
    await tabTo(page, startOver);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Discard these values?' });
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await expect.poll(() => hasFocus(startOver)).toBe(true);
    expect(await fieldOf(page, 'suffix').inputValue()).toBe('kept');
    await page.keyboard.press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: 'Discard the values' }));
    await page.keyboard.press('Enter');
    await expect.poll(() => hasFocus(heading)).toBe(true);
    expect(await fieldOf(page, 'suffix').inputValue()).toBe('');
    expectQuiet(form, form.url);
  });
});
