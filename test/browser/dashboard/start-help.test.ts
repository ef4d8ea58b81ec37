import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingLines } from '../../kit/client/upload.ts';
import { launch, newPage, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import {
  fieldOf,
  hasFocus,
  jsonl,
  reinforcementLines,
  startButton,
  trainingUpload,
  uploadTrainingFile,
} from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

async function openForm() {
  const { url } = await startDashboardGateway();
  return { url, ...(await openDashboard(browser, url, '#/start')) };
}

const EPOCHS = 'method.supervised.hyperparameters.nEpochs';
const notices = (page: Page) => page.locator('[data-failure]');

describe('the failure of a start', () => {
  it('marks values out of range together with texts that are no numbers, and goes when all are mended', async () => {
    const form = await openForm();
    const { page } = form;
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await fieldOf(page, 'seed').fill('many');
    await fieldOf(page, EPOCHS).fill('99');
    await startButton(page).click();
    await page.locator('[data-error="seed"]').waitFor();
    await page.locator(`[data-error="${EPOCHS}"]`).getByText('is 99').waitFor();
    expect(await notices(page).textContent()).not.toContain('BAD_USER_INPUT');
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-one-round.png`, fullPage: true });
    await fieldOf(page, 'seed').fill('1');
    await page.locator('[data-error="seed"]').waitFor({ state: 'detached' });
    expect(await notices(page).count()).toBe(1);
    await fieldOf(page, EPOCHS).fill('9');
    await notices(page).waitFor({ state: 'detached' });
    expectQuiet(form, form.url);
  });

  it('is at the field of the model that the upstream does not know, once', async () => {
    const form = await openForm();
    const { page } = form;
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-none');
    await startButton(page).click();
    await page.locator('[data-error="modelId"]').waitFor();
    await expect.poll(() => hasFocus(fieldOf(page, 'modelId'))).toBe(true);
    const text = await page.locator('.start-form').innerText();
    expect(text.split('gpt-none is not available')).toHaveLength(2);
    expect(text).not.toContain('UPSTREAM_REJECTED');
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-unknown-model.png`, fullPage: true });
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await notices(page).waitFor({ state: 'detached' });
  });

  it('stays over changed values when the job may be started', async () => {
    const { page } = await openForm();
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await page.route('**/graphql', (route) =>
      route.request().postData()?.includes('mutation CreateJob') ? route.abort() : route.continue(),
    );
    await startButton(page).click();
    await notices(page).getByText('The gateway did not respond, so the job may or may not be started.').waitFor();
    expect(await notices(page).textContent()).not.toMatch(/NETWORK|fetch/);
    await fieldOf(page, 'suffix').fill('s');
    await expect.poll(() => fieldOf(page, 'suffix').inputValue()).toBe('s');
    expect(await notices(page).count()).toBe(1);
  });
});

describe('the warnings beside the button that starts a job', () => {
  it('are of a file with too few examples, and go with it', async () => {
    const form = await openForm();
    const { page } = form;
    await uploadTrainingFile(page, jsonl(trainingLines(3), 'few.jsonl'));
    const warning = page.locator('.start-warnings').getByText('The training file has 3 examples');
    await warning.waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 320]) {
        await page.setViewportSize({ width, height: 860 });
        await expectAccessible(page);
        await page.screenshot({
          path: `${SCREENSHOTS}/dashboard-start-few-${colorScheme}-${width}.png`,
          fullPage: true,
        });
      }
    }
    await fieldOf(page, 'trainingFileId').selectOption('');
    await warning.waitFor({ state: 'detached' });
    expectQuiet(form, form.url);
  });

  it('name a member that the grader reads and no example has', async () => {
    const { page } = await openForm();
    await fieldOf(page, 'method').selectOption('Reinforcement');
    await uploadTrainingFile(page, jsonl(reinforcementLines(12)));
    const warning = page.locator('.start-warnings').getByText('no example of the training file has a member answer.');
    const grader = fieldOf(page, 'method.reinforcement.grader');
    await grader.fill('{"stringCheck": {"reference": "{{item.answer}}"}}');
    await warning.waitFor();
    await grader.fill('{"stringCheck": {"reference": "{{item.reference_answer}}"}}');
    await warning.waitFor({ state: 'detached' });
  });
});

describe('the form', () => {
  it('shows the line of a special token, as a warning', async () => {
    const { page } = await openForm();
    const line = { messages: [user('q'), { role: 'assistant', content: 'a <|fim_suffix|>' }] };
    await trainingUpload(page).setInputFiles(jsonl(`${trainingLines(12)}${JSON.stringify(line)}\n`, 'fim.jsonl'));
    await page.getByText('fim.jsonl is stored and has 13 examples.').waitFor();
    const cells = page.locator('.issue-table tbody td');
    expect(await cells.first().textContent()).toBe('13');
    expect(await cells.last().textContent()).toContain('has the special token <|fim_suffix|>');
  });

  it.each(['Add a pair', 'Add a run'])('focuses the new field of “%s” before the next key', async (name) => {
    const { page } = await openForm();
    const button = page.getByRole('button', { name });
    await button.waitFor();
    const focused = await button.evaluate(async (element) => {
      Object(element).click();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve(); // Microtasks run before the next event.
      return element.ownerDocument.activeElement?.id;
    });
    expect(focused).toBe(name === 'Add a pair' ? 'field-metadata.0.key' : 'field-integrations.0.wandb.project');
  });

  it('keeps an uploaded file in its list when the list is read later', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await newPage(browser);
    const [read, stored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('query StartFiles')) return route.continue();
      const response = await route.fetch();
      read.resolve();
      await stored.promise;
      await route.fulfill({ response });
    });
    await page.goto(`${url}#/start`);
    await read.promise;
    await uploadTrainingFile(page, jsonl(trainingLines(12), 'early.jsonl'));
    stored.resolve();
    await expect.poll(() => fieldOf(page, 'validationFileId').locator('option').count()).toBeGreaterThan(2);
    expect(await fieldOf(page, 'trainingFileId').locator('option:checked').textContent()).toMatch(/^early\.jsonl/);
  });

  it('says of a clone that values which the upstream chose are filled in', async () => {
    const { page, url } = await openForm();
    await page.goto(`${url}#/`);
    await page.locator('a[href^="#/jobs/ftjob-"]').first().click();
    await page.getByRole('link', { name: 'Clone' }).click();
    await page.getByText('empty a field to let it choose again').waitFor();
  });
});

const user = (content: string) => ({ role: 'user', content });
