import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { trainingLines } from '../../kit/client/upload.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import { fieldOf, hasFocus, jsonl, startButton, trainingUpload, uploadTrainingFile } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const JOBS = '{ fineTuningJobs(first: 100) { nodes { trainingFile { filename } } } }';
const XSS = '<img src=x onerror="document.title=1">';

/** Opens the form, filled with a new training file. */
async function openFilledForm(url: string) {
  const watched = await openDashboard(browser, url, '#/start');
  const { page } = watched;
  await uploadTrainingFile(page, jsonl(trainingLines(12), 'retry.jsonl'));
  await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
  return watched;
}

/** Answers creates with this result instead of the gateway. */
async function answerCreates(page: Page, result: object): Promise<void> {
  await page.route('**/graphql', (route) =>
    isCreate(route.request().postData())
      ? route.fulfill({ json: { data: { createFineTuningJob: result } } })
      : route.continue(),
  );
}

const isCreate = (body: string | null) => body?.includes('mutation CreateJob') ?? false;

describe('a create that fails', () => {
  it('keeps the idempotency key when the response is lost, also after a reload, and so starts one job', async () => {
    const { url, graphUrl } = await startDashboardGateway();
    const { page } = await openFilledForm(url);
    const keys: string[] = [];
    await page.route('**/graphql', async (route) => {
      const body = route.request().postData();
      if (!isCreate(body)) return route.continue();
      keys.push(JSON.parse(body ?? '').variables.input.idempotencyKey);
      if (keys.length > 2) return route.continue();
      await route.fetch(); // The gateway creates the job; the page never reads the response.
      return route.abort();
    });
    const notice = page.locator('[data-failure="NETWORK"]');
    await startButton(page).click();
    await notice.getByText('It is safe: the idempotency key stays the same').waitFor();
    await expect.poll(() => hasFocus(notice)).toBe(true);
    await startButton(page).click();
    await expect.poll(() => keys.length).toBe(2);
    await notice.waitFor();
    await page.reload();
    await expect.poll(() => fieldOf(page, 'modelId').inputValue()).toBe('gpt-4.1-mini');
    await startButton(page).click();
    await page.waitForURL(/#\/jobs\/ftjob-/);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    const { body } = await post(graphUrl, { query: JOBS });
    const { nodes } = Object(body.data).fineTuningJobs;
    const made = nodes.filter(
      (node: { trainingFile: { filename: string } | null }) => node.trainingFile?.filename === 'retry.jsonl',
    );
    expect(made).toHaveLength(1);
    await page.goto(`${url}#/start`);
    await expect.poll(() => fieldOf(page, 'modelId').inputValue()).toBe('');
  });

  it('names the job that has the same key, and starts one more with a new key', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await openFilledForm(url);
    let creates = 0;
    await page.route('**/graphql', async (route) => {
      if (!isCreate(route.request().postData()) || ++creates > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await startButton(page).click();
    await page.locator('[data-failure="NETWORK"]').waitFor();
    await fieldOf(page, 'suffix').fill('changed');
    await startButton(page).click();
    const notice = page.locator('[data-failure="CONFLICT"]');
    expect(await notice.getByRole('link', { name: 'Show the job ftjob-' }).getAttribute('href')).toMatch(
      /^#\/jobs\/ftjob-/,
    );
    await expectAccessible(page);
    await notice.getByRole('button', { name: 'Use a new key, to start one more job' }).click();
    await expect.poll(() => hasFocus(startButton(page))).toBe(true);
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/jobs\/ftjob-/);
  });

  it('says what to do when the outcome is unknown', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openFilledForm(url);
    const { page } = watched;
    await answerCreates(page, {
      __typename: 'OutcomeUnknownError',
      code: 'OUTCOME_UNKNOWN',
      message: `Unclear ${XSS}`,
    });
    await startButton(page).click();
    const notice = page.locator('[data-failure="OUTCOME_UNKNOWN"]');
    await notice.getByText(`Unclear ${XSS}`).waitFor();
    await notice.getByText('at most one job is created').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-unknown.png` });
    expectQuiet(watched, url);
  });

  it('says when to try again while the replicas cannot reach what they share', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openFilledForm(url);
    const { page } = watched;
    const failure = { code: 'FLEET_UNAVAILABLE', message: 'Redis does not answer.', retryAfterSeconds: 2 };
    await answerCreates(page, { __typename: 'UnavailableError', ...failure });
    await startButton(page).click();
    const notice = page.locator('[data-failure="FLEET_UNAVAILABLE"]');
    await notice.getByText('Nothing was started. Wait 2 s, then press “Start the job” again.').waitFor();
    expectQuiet(watched, url);
  });

  it('shows texts of the upstream as text', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openFilledForm(url);
    const { page } = watched;
    await answerCreates(page, {
      __typename: 'UpstreamError',
      code: 'UPSTREAM_REJECTED',
      message: XSS,
      upstreamMessage: `${XSS} twice`,
      retryAfterSeconds: null,
      isRetryable: false,
    });
    await startButton(page).click();
    await page.getByText(`${XSS} twice`).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expectQuiet(watched, url);
  });
});

describe('an upload', () => {
  it('shows its progress, and can be canceled and repeated', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await openDashboard(browser, url, '#/start');
    let isHeld = true;
    await page.route('**/graphql', (route) => {
      const isUpload = route.request().headers()['content-type']?.startsWith('multipart/') ?? false;
      if (!isUpload || !isHeld) return route.continue(); // A held one is never answered.
      return undefined;
    });
    await trainingUpload(page).setInputFiles(jsonl(trainingLines(12)));
    await page.getByRole('progressbar', { name: 'Upload of train.jsonl' }).waitFor();
    await page.getByRole('button', { name: 'Cancel the upload' }).click();
    await page.getByText('The upload was canceled. Nothing is stored.').waitFor();
    await expect.poll(() => hasFocus(trainingUpload(page))).toBe(true);
    isHeld = false;
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
  });

  it('shows the lines of a large file that is refused before its end', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    const lines = `${trainingLines(1, 'a'.repeat(100_000))}no JSON\n`.repeat(300); // 30 MB, which is more than sockets buffer.
    await trainingUpload(page).setInputFiles(jsonl(lines, 'large.jsonl'));
    await page.locator('[data-upload="refused"]').waitFor();
    expect(await page.locator('.issue-table tbody td').first().textContent()).toBe('2');
    expectQuiet(watched, url);
  });

  it('is not needed for a file of the account, also for an old one', async () => {
    const { url, graphUrl } = await startDashboardGateway();
    const upload = `mutation ($text: String) { uploadFile(input: { text: $text, filename: "many.jsonl" }) {
      __typename ... on UploadFileSuccess { file { id } }
    } }`;
    const ids: string[] = [];
    for (let count = 0; count < 101; count++) {
      const { body } = await post(graphUrl, { query: upload, variables: { text: trainingLines(10) } });
      ids.push(Object(body.data).uploadFile.file.id);
    }
    const { page } = await openDashboard(browser, url, '#/start');
    const listed = fieldOf(page, 'trainingFileId').locator('option');
    await expect.poll(() => listed.count()).toBe(101); // With the option None.
    await page.getByRole('button', { name: 'List older files' }).click();
    await expect.poll(() => listed.count()).toBeGreaterThan(101);
    await fieldOf(page, 'trainingFileId').selectOption(ids[0] ?? '');
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await startButton(page).click();
    await page.waitForURL(/#\/jobs\/ftjob-/);
  });

  it('takes a dropped file', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    const zone = page.locator('.drop-zone').first();
    await zone.waitFor();
    const transfer = await page.evaluateHandle(
      `(() => { const transfer = new DataTransfer(); transfer.items.add(new File([${JSON.stringify(trainingLines(12))}], 'dropped.jsonl')); return transfer; })()`,
    );
    await zone.dispatchEvent('dragover', { dataTransfer: transfer });
    await zone.dispatchEvent('drop', { dataTransfer: transfer });
    await page.getByText('dropped.jsonl is stored and has 12 examples.').waitFor();
    expectQuiet(watched, url);
  });
});
