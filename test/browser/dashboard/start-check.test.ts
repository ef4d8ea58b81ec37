import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { trainingLines } from '../../kit/client/upload.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { type DashboardGateway, expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import {
  fieldOf,
  hasFocus,
  jsonl,
  preferenceLines,
  reinforcementLines,
  startButton,
  trainingUpload,
} from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const METHODS = {
  supervised: { label: 'Supervised', lines: trainingLines(12) },
  dpo: { label: 'Direct preference optimization (DPO)', lines: preferenceLines(12) },
  reinforcement: { label: 'Reinforcement', lines: reinforcementLines(12) },
};

async function openForm() {
  const gateway = await startDashboardGateway();
  const watched = await openDashboard(browser, gateway.url, '#/start');
  const uploads: string[] = [];
  watched.page.on('request', (request) => {
    if (request.headers()['content-type']?.startsWith('multipart/')) uploads.push(request.url());
  });
  return { ...gateway, ...watched, uploads };
}

const lineNumbers = (page: Page) => page.locator('.issue-table tbody td:first-child').allTextContents();

async function fileNames({ graphUrl }: DashboardGateway): Promise<string[]> {
  const { body } = await post(graphUrl, { query: '{ files(first: 100) { nodes { filename } } }' });
  return Object(body.data).files.nodes.map(({ filename }: { filename: string }) => filename);
}

/** Drops a file whose content the page makes: `head`, then `count` times a megabyte of valid lines, then `tail`. */
async function dropLarge(page: Page, count: number, tail: string): Promise<void> {
  const megabyte = trainingLines(1, 'a'.repeat(50_000)).repeat(20);
  const script = `(() => {
    const part = new Blob([${JSON.stringify(megabyte)}]);
    const parts = Array.from({ length: ${count} }, () => part);
    const transfer = new DataTransfer();
    transfer.items.add(new File([...parts, ${JSON.stringify(tail)}], 'large.jsonl'));
    return transfer;
  })()`;
  const dataTransfer = await page.evaluateHandle(script);
  await page.locator('.drop-zone').first().dispatchEvent('drop', { dataTransfer });
}

/** Records each text of the progress of the check: it can change faster than a test reads it. */
const RECORD_PROGRESS = `
  window.progress = [];
  new MutationObserver(() => {
    const text = document.querySelector('.upload-status p.quiet')?.textContent;
    if (text) window.progress.push(text);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
`;

describe('the check of a file in the browser', () => {
  it.each(Object.entries(METHODS))(
    'finds the errors of a file for %s by line, and sends none of it',
    async (_, method) => {
      const form = await openForm();
      const { page, uploads } = form;
      await fieldOf(page, 'method').selectOption(method.label);
      await trainingUpload(page).setInputFiles(jsonl(`${method.lines}no JSON\n{"messages": []}\n`, 'wrong.jsonl'));
      await page.getByText('wrong.jsonl is refused: it has ').waitFor();
      expect(new Set(await lineNumbers(page))).toEqual(new Set(['13', '14']));
      expect(uploads).toEqual([]);
      expect(await fileNames(form)).not.toContain('wrong.jsonl');
      await trainingUpload(page).setInputFiles(jsonl(method.lines, 'right.jsonl'));
      await page.getByText('right.jsonl is stored and has 12 examples.').waitFor();
      expect(uploads).toHaveLength(1);
      expectQuiet(form, form.url);
    },
  );

  it('checks again when the method changes, and then uploads a file that it has refused', async () => {
    const form = await openForm();
    const { page, uploads } = form;
    await trainingUpload(page).setInputFiles(jsonl(preferenceLines(12), 'pairs.jsonl'));
    await page.getByText('pairs.jsonl is refused: it has 12 errors.').waitFor();
    await page.getByText('has the format preference; expected chat, the format of the method').first().waitFor();
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-other-method.png`, fullPage: true });
    expect(uploads).toEqual([]);
    await page.getByRole('button', { name: 'Change the method to Direct preference optimization (DPO)' }).click();
    await page.getByText('pairs.jsonl is stored and has 12 examples.').waitFor();
    await expect.poll(() => hasFocus(trainingUpload(page))).toBe(true);
    expect(await fieldOf(page, 'method').inputValue()).toBe('dpo');
    expect(uploads).toHaveLength(1);
    await fieldOf(page, 'method').selectOption('Reinforcement');
    await page.getByText('pairs.jsonl is stored, but the method cannot train on it: it has 12 errors.').waitFor();
    await fieldOf(page, 'method').selectOption('Default of the upstream');
    await page.getByText('pairs.jsonl is stored and has 12 examples.').waitFor();
    expect(uploads).toHaveLength(1);
    expectQuiet(form, form.url);
  });

  it('ends a running upload when the method changes to one that cannot train on the file', async () => {
    const form = await openForm();
    const { page, uploads } = form;
    let isHeld = true;
    await page.route('**/graphql', (route) => {
      const isUpload = route.request().headers()['content-type']?.startsWith('multipart/') ?? false;
      return isUpload && isHeld ? undefined : route.continue(); // A held one is never answered.
    });
    await trainingUpload(page).setInputFiles(jsonl(trainingLines(12), 'chats.jsonl'));
    await expect.poll(() => uploads.length).toBe(1);
    const ended = page.waitForEvent('requestfailed');
    await fieldOf(page, 'method').selectOption('Direct preference optimization (DPO)');
    await page.getByText('chats.jsonl is refused: it has 12 errors.').waitFor();
    await ended;
    isHeld = false;
    await fieldOf(page, 'method').selectOption('Supervised');
    await page.getByText('chats.jsonl is stored and has 12 examples.').waitFor();
    expect(uploads).toHaveLength(2);
  });

  it('is for the first of several files that are dropped, and says so', async () => {
    const { page } = await openForm();
    await page.locator('.drop-zone').first().waitFor();
    const dataTransfer = await page.evaluateHandle(`(() => {
      const transfer = new DataTransfer();
      for (const name of ['one.jsonl', 'two.jsonl']) transfer.items.add(new File([${JSON.stringify(trainingLines(12))}], name));
      return transfer;
    })()`);
    await page.locator('.drop-zone').first().dispatchEvent('drop', { dataTransfer });
    await page.getByText('2 files were dropped: only one.jsonl is used.').waitFor();
    await page.getByText('one.jsonl is stored and has 12 examples.').waitFor();
  });

  it('goes on while the upload runs, shows its line, and ends the upload at an error', async () => {
    const form = await openForm();
    const { page, uploads } = form;
    const network = await page.context().newCDPSession(page);
    await network.send('Network.enable');
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200_000 };
    await network.send('Network.emulateNetworkConditions', slow); // The gateway has not the whole file before the test ends.
    const ended = page.waitForEvent('requestfailed');
    await page.evaluate(RECORD_PROGRESS);
    await dropLarge(page, 60, 'no JSON\n');
    await page.getByText('large.jsonl is refused: it has 1 error.').waitFor();
    const progress = (await page.evaluate('window.progress')) as string[];
    expect(progress.some((text) => /^Line [\d,]+ is checked, \d+ % of the file\.$/.test(text))).toBe(true);
    await ended;
    expect(await lineNumbers(page)).toEqual(['1201']);
    expect(uploads).toHaveLength(1);
    expect(await fileNames(form)).not.toContain('large.jsonl');
  });

  it('reads a large file in flat memory', async () => {
    const { page } = await openForm();
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.enable');
    const heap = async () => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize = 0 } = (await session.send('Runtime.getHeapUsage')) as {
        usedSize: number;
        backingStorageSize?: number;
      };
      return usedSize + backingStorageSize;
    };
    await trainingUpload(page).waitFor();
    const before = await heap();
    await dropLarge(page, 150, 'no JSON\n');
    const sizes: number[] = [];
    while (!(await page.locator('[data-upload="refused"]').isVisible())) sizes.push(await heap());
    expect(Math.max(...sizes) - before).toBeLessThan(40_000_000); // Of a file of 150 MB.
  });

  it('tells warnings from errors, and uploads a file that has only warnings', async () => {
    const form = await openForm();
    const { page } = form;
    await trainingUpload(page).setInputFiles(jsonl(trainingLines(3), 'few.jsonl'));
    await page.getByText('few.jsonl is stored and has 3 examples.').waitFor();
    const row = page.locator('.issue-table tbody tr');
    expect(await row.locator('td').first().textContent()).toBe('whole file');
    expect(await row.locator('.badge-warning').textContent()).toBe('Warning');
    expectQuiet(form, form.url);
  });

  it('leaves the refusal to the gateway where it knows less of the method', async () => {
    const form = await openForm();
    const { page } = form;
    await fieldOf(page, 'method').selectOption('Reinforcement');
    const line = JSON.stringify({ messages: [{ role: 'user', content: 'q' }] });
    await trainingUpload(page).setInputFiles(jsonl(`${line}\n`.repeat(12), 'prompts.jsonl'));
    await page.getByText('prompts.jsonl is refused: it has 12 errors.').waitFor();
    expect(form.uploads).toHaveLength(1);
  });

  it('starts a DPO job from a file', async () => {
    const form = await openForm();
    const { page, graphUrl } = form;
    await fieldOf(page, 'method').selectOption('Direct preference optimization (DPO)');
    await trainingUpload(page).setInputFiles(jsonl(preferenceLines(12), 'pairs.jsonl'));
    await expect.poll(() => fieldOf(page, 'trainingFileId').inputValue()).toMatch(/^file-/);
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await fieldOf(page, 'method.dpo.hyperparameters.beta').fill('0.2');
    await startButton(page).click();
    await page.waitForURL(/#\/jobs\/ftjob-/);
    const jobId = page.url().split('/').at(-1);
    const { body } = await post(graphUrl, { query: METHOD, variables: { jobId } });
    expect(body.data).toEqual({ fineTuningJob: { method: { rawType: 'dpo', hyperparameters: { beta: 0.2 } } } });
    expectQuiet(form, form.url);
  });
});

const METHOD = `query ($jobId: ID!) { fineTuningJob(id: $jobId) { method {
  rawType ... on FineTuningJobDpoMethod { hyperparameters { beta } }
} } }`;
