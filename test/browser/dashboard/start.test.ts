import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingLines } from '../../kit/client/upload.ts';
import { askAs } from '../../kit/process/token.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import {
  fieldOf,
  hasFocus,
  jsonl,
  openAs,
  reinforcementLines,
  startButton,
  startWithRoles,
  tabTo,
  trainingUpload,
  uploadTrainingFile,
} from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('the form that starts a job', () => {
  it('starts, cancels and clones a job by keyboard alone, for an operator', async () => {
    const { url, graphUrl, tokens } = await startWithRoles();
    const watched = await openAs(browser, url, tokens.otto, '#/start');
    const { page } = watched;
    const chooser = page.waitForEvent('filechooser');
    await tabTo(page, trainingUpload(page));
    await page.keyboard.press('Space');
    await (await chooser).setFiles(jsonl(trainingLines(12)));
    await page.getByText('train.jsonl is stored and has 12 examples.').waitFor();
    await tabTo(page, fieldOf(page, 'modelId'));
    await page.keyboard.type('gpt-4.1-mini');
    await tabTo(page, fieldOf(page, 'suffix'));
    await page.keyboard.type('by-keyboard');
    await tabTo(page, fieldOf(page, 'method.supervised.hyperparameters.nEpochs'));
    await page.keyboard.type('2');
    await tabTo(page, page.getByRole('button', { name: 'Add a pair' }));
    await page.keyboard.press('Enter');
    await expect.poll(() => hasFocus(fieldOf(page, 'metadata.0.key'))).toBe(true);
    await page.keyboard.type('team');
    await page.keyboard.press('Tab');
    await page.keyboard.type('support');
    await tabTo(page, startButton(page));
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/jobs\/ftjob-/);
    const jobUrl = page.url();

    await tabTo(page, page.getByRole('button', { name: 'Cancel' }));
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Cancel this job?' });
    await dialog.getByText('It creates no model').waitFor();
    await tabTo(page, dialog.getByRole('button', { name: 'Cancel the job' }));
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => page.getByRole('button', { name: 'Cancel' }).getAttribute('aria-disabled')).toBe('true');

    await tabTo(page, page.getByRole('link', { name: 'Clone' }));
    await page.keyboard.press('Enter');
    await expect.poll(() => fieldOf(page, 'suffix').inputValue()).toBe('by-keyboard');
    expect(await fieldOf(page, 'metadata.0.key').inputValue()).toBe('team');
    expect(await fieldOf(page, 'metadata.0.value').inputValue()).toBe('support');
    expect(await fieldOf(page, 'method.supervised.hyperparameters.nEpochs').inputValue()).toBe('2');
    await tabTo(page, startButton(page));
    await page.keyboard.press('Enter');
    await page.waitForURL((location) => /#\/jobs\/ftjob-/.test(location.href) && location.href !== jobUrl);
    expectQuiet(watched, url);
    const answer = await askAs(graphUrl, `Bearer ${tokens.otto}`, JOBS);
    const made = Object(answer.data).fineTuningJobs.nodes.filter(
      ({ suffix }: { suffix: string }) => suffix === 'by-keyboard',
    );
    expect(made).toHaveLength(2);
    for (const { trainingFile } of made) expect(trainingFile.filename).toBe('train.jsonl');
  });

  it('shows the lines of a refused upload, and stores nothing', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    const name = '<img src=x onerror="document.title=1">.jsonl';
    await trainingUpload(page).setInputFiles(jsonl(`${trainingLines(12)}no JSON\n{"messages": []}\n`, name));
    await page.getByText(`${name} is refused: it has 2 errors.`).waitFor();
    const lines = page.locator('.issue-table tbody tr td:first-child');
    expect(await lines.allTextContents()).toEqual(['13', '14']);
    expect(await fieldOf(page, 'trainingFileId').inputValue()).toBe('');
    expect(await page.locator('main img').count()).toBe(0);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-refused.png`, fullPage: true });
    await expectAccessible(page);
    expectQuiet(watched, url);
  });

  it('shows the errors of the gateway at their fields, and focuses the first one', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    await startButton(page).click();
    await expect.poll(() => hasFocus(fieldOf(page, 'trainingFileId'))).toBe(true);
    expect(await page.locator('[data-error]').count()).toBe(2);
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await fieldOf(page, 'suffix').fill('s'.repeat(65));
    await fieldOf(page, 'seed').fill('-1');
    await fieldOf(page, 'method.supervised.hyperparameters.nEpochs').fill('99');
    for (const index of [0, 1]) {
      await page.getByRole('button', { name: 'Add a pair' }).click();
      await fieldOf(page, `metadata.${index}.key`).fill('team');
    }
    await startButton(page).click();
    await expect.poll(() => hasFocus(fieldOf(page, 'suffix'))).toBe(true);
    const paths = await page.locator('[data-error]').evaluateAll((all) => all.map((one) => Object(one).dataset.error));
    expect(paths.sort()).toEqual(['metadata.1.key', 'method.supervised.hyperparameters.nEpochs', 'seed', 'suffix']);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-errors.png`, fullPage: true });
    await expectAccessible(page);
    expectQuiet(watched, url);
  });

  it('says to a viewer why it has no form', async () => {
    const { url, tokens } = await startWithRoles();
    const watched = await openAs(browser, url, tokens.vera, '#/start');
    await watched.page.getByText('Ask the operator of this gateway for the role operator.').waitFor();
    expect(await watched.page.locator('form, input, select').count()).toBe(0);
    await expectAccessible(watched.page);
    expectQuiet(watched, url);
  });

  it('is disabled and says why when the daily quota is used up', async () => {
    const { url } = await startDashboardGateway({ MAX_CREATES_PER_DAY: '0' });
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    await page.getByText('Your daily quota of jobs in this gateway is used up, or it is 0.').waitFor();
    expect(await startButton(page).getAttribute('aria-disabled')).toBe('true');
    await startButton(page).press('Enter');
    expect(await page.locator('[data-error], [data-failure]').count()).toBe(0);
    expectQuiet(watched, url);
  });

  it('starts a reinforcement job with a grader as JSON, and shows the errors of the grader at its field', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await openDashboard(browser, url, '#/start');
    await fieldOf(page, 'method').selectOption('Reinforcement');
    await uploadTrainingFile(page, jsonl(reinforcementLines(12)));
    await fieldOf(page, 'modelId').fill('o4-mini');
    const grader = fieldOf(page, 'method.reinforcement.grader');
    const error = page.locator('[data-error="method.reinforcement.grader"]');
    await page.getByRole('button', { name: 'Insert the example' }).click();
    await expect.poll(() => hasFocus(grader)).toBe(true);
    expect(Object.keys(JSON.parse(await grader.inputValue()))).toEqual(['stringCheck']);
    await grader.fill('{');
    await startButton(page).click();
    await error.getByText('is no JSON; expected an object').waitFor();
    const check = { name: 'exact', input: '{{sample.output_text}}', reference: '{{item.reference_answer}}' };
    const fillGrader = (stringCheck: object) => grader.fill(JSON.stringify({ stringCheck }));
    await fillGrader({ ...check, operation: 5 });
    await startButton(page).click();
    await error.getByText('operation').waitFor();
    await fillGrader({ ...check, operation: 'UNKNOWN' });
    await startButton(page).click();
    await error.getByText('stringCheck.operation: is ').waitFor();
    await expect.poll(() => hasFocus(grader)).toBe(true);
    await expectAccessible(page);
    await fillGrader({ ...check, operation: 'EQ' });
    await startButton(page).click();
    await page.waitForURL(/#\/jobs\/ftjob-/);
  });

  it('estimates the tokens of an uploaded file, and deletes it', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    await uploadTrainingFile(page, jsonl(trainingLines(12), 'small.jsonl'));
    await page.reload();
    await expect.poll(() => fieldOf(page, 'trainingFileId').locator('option:checked').textContent()).toMatch(/^small/);
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await fieldOf(page, 'method.supervised.hyperparameters.nEpochs').fill('2');
    await page.getByRole('button', { name: 'Estimate tokens and cost' }).click();
    await page.getByText(/^12 examples, about [\d,]+ tokens per epoch, [\d,]+ tokens in all epochs/).waitFor();
    await page.getByRole('button', { name: 'Delete the file' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this file?' });
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Delete the file' }).click();
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => hasFocus(fieldOf(page, 'trainingFileId'))).toBe(true);
    expect(await fieldOf(page, 'trainingFileId').inputValue()).toBe('');
    expectQuiet(watched, url);
  });
});

const JOBS = '{ fineTuningJobs(first: 100) { nodes { id suffix status trainingFile { filename } } } }';
