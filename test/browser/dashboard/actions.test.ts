import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAs } from '../../kit/process/token.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet } from './gateway.ts';
import { hasFocus, openAs, startWithRoles } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

interface JobNode {
  readonly id: string;
  readonly status: string;
  readonly fineTunedModelId: string | null;
}

/** The first job with one of these statuses. */
async function findJob(graphUrl: string, token: string, ...statuses: string[]): Promise<JobNode> {
  const query = '{ fineTuningJobs(first: 100) { nodes { id status fineTunedModelId } } }';
  const { data } = await askAs(graphUrl, `Bearer ${token}`, query);
  const nodes: JobNode[] = Object(data).fineTuningJobs.nodes;
  const job = nodes.find(({ status }) => statuses.includes(status));
  expect(job, `a job that is ${statuses.join(' or ')} in ${JSON.stringify(nodes)}`).toBeDefined();
  return job as JobNode; // Asserted above.
}

const button = (page: Page, name: string) => page.locator('.job-actions').getByRole('button', { name, exact: true });

describe('the actions of a job', () => {
  it('are not shown to a viewer', async () => {
    const { url, graphUrl, tokens } = await startWithRoles();
    const { id } = await findJob(graphUrl, tokens.vera, 'RUNNING', 'QUEUED', 'VALIDATING_FILES');
    const watched = await openAs(browser, url, tokens.vera, `#/jobs/${id}`);
    await watched.page.getByText('vera (viewer)').waitFor();
    await watched.page.locator('.job-actions').waitFor({ state: 'attached' });
    expect(await watched.page.locator('.job-actions button, .job-actions a').count()).toBe(0);
    expect(await watched.page.getByRole('link', { name: 'Start a job' }).count()).toBe(0);
    expectQuiet(watched, url);
  });

  it('pause and resume a running job, for an operator', async () => {
    const { url, graphUrl, tokens } = await startWithRoles();
    const { id } = await findJob(graphUrl, tokens.otto, 'RUNNING');
    const watched = await openAs(browser, url, tokens.otto, `#/jobs/${id}`);
    const { page } = watched;
    await button(page, 'Pause').press('Enter');
    await page.locator('.toast').getByText('stops training until you resume it').waitFor();
    await button(page, 'Resume').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await hasFocus(button(page, 'Resume'))).toBe(true);
    await page.keyboard.press('Enter');
    await page.locator('.toast').getByText('Only a paused job can be resumed').waitFor();
    const canResume = async () => {
      await page.reload();
      return await button(page, 'Resume').getAttribute('aria-disabled');
    };
    await expect.poll(canResume, { timeout: 60_000, interval: 500 }).toBe('false');
    await button(page, 'Resume').press('Enter');
    await page.locator('.toast').getByText('The job is resumed').waitFor();
    expectQuiet(watched, url);
  });

  it('stay visible when the status forbids them, and say why', async () => {
    const { url, graphUrl, tokens } = await startWithRoles();
    const { id } = await findJob(graphUrl, tokens.otto, 'SUCCEEDED');
    const watched = await openAs(browser, url, tokens.otto, `#/jobs/${id}`);
    const { page } = watched;
    await expect.poll(() => button(page, 'Cancel').getAttribute('aria-disabled')).toBe('true');
    const reason = 'Only a job that has not ended can be cancelled. The status of this job is “Succeeded”.';
    expect(await button(page, 'Cancel').getAttribute('title')).toBe(reason);
    await button(page, 'Cancel').press('Enter');
    await page.locator('.toast').getByText(reason).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await button(page, 'Delete the model').count()).toBe(0); // Requires the role admin.
    await expectAccessible(page);
    expectQuiet(watched, url);
  });

  it('show why the gateway refuses, and the new state of the job', async () => {
    const { url, graphUrl, tokens } = await startWithRoles();
    const { id } = await findJob(graphUrl, tokens.otto, 'RUNNING', 'QUEUED');
    const { page } = await openAs(browser, url, tokens.otto, `#/jobs/${id}`);
    await button(page, 'Cancel').click();
    const cancel = `mutation { cancelFineTuningJob(input: { jobId: "${id}" }) { __typename } }`;
    await askAs(graphUrl, `Bearer ${tokens.ada}`, cancel); // Somebody else is faster.
    const dialog = page.getByRole('dialog');
    await expect.poll(() => hasFocus(dialog.getByRole('button', { name: 'Back' }))).toBe(true);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-confirm.png` });
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Cancel the job' }).click();
    await dialog.getByRole('alert').waitFor();
    expect(await dialog.getByRole('alert').textContent()).not.toMatch(/CONFLICT/);
    await dialog.getByRole('button', { name: 'Back' }).click();
    await expect.poll(() => button(page, 'Cancel').getAttribute('aria-disabled')).toBe('true');
  });

  it('delete the model of a job, for an admin', async () => {
    const { url, graphUrl, tokens } = await startWithRoles();
    const { id, fineTunedModelId } = await findJob(graphUrl, tokens.ada, 'SUCCEEDED');
    const watched = await openAs(browser, url, tokens.ada, `#/jobs/${id}`);
    const { page } = watched;
    await button(page, 'Delete the model').click();
    const dialog = page.getByRole('dialog', { name: 'Delete this model?' });
    await dialog.getByText(fineTunedModelId ?? '').waitFor();
    await dialog.getByRole('button', { name: 'Delete the model' }).click();
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => button(page, 'Delete the model').getAttribute('aria-disabled')).toBe('true');
    const facts = page.getByLabel('Facts');
    const model = facts.locator('.fact').filter({ hasText: 'Fine-tuned model' });
    await model.getByText('Deleted', { exact: true }).waitFor();
    expect(await facts.getByText(fineTunedModelId ?? '', { exact: true }).count()).toBeGreaterThan(0);
    expect(await facts.getByTitle(`${fineTunedModelId}`).count()).toBe(0); // No copy button.
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-model-deleted.png` });
    await page.reload();
    await model.getByText('Deleted', { exact: true }).waitFor();
    const { data } = await askAs(graphUrl, `Bearer ${tokens.ada}`, `{ model(id: "${fineTunedModelId}") { id } }`);
    expect(data).toEqual({ model: null });
    expectQuiet(watched, url);
  });
});
