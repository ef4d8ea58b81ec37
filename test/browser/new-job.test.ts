import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingLines } from '../kit/client/upload.ts';
import { startGateway, type TestGateway } from '../kit/gateway/gateway.ts';
import { bundle } from './bundle.ts';
import { launch, newPage, SCREENSHOTS } from './page.ts';

interface Edge {
  readonly node: { readonly trainingFile: { readonly filename: string } | null };
}

let browser: Browser;
let script: string;
beforeAll(async () => {
  [browser, script] = await Promise.all([launch(), bundle('../../docs/examples/new-job.jsx')]);
});
afterAll(() => browser?.close());

/** Opens the example page on the gateway's origin. */
async function openPage(gateway: TestGateway): Promise<Page> {
  const { page } = await newPage(browser);
  await page.goto(new URL('/health', gateway.url).href); // A page of the gateway's own origin.
  await page.addScriptTag({ content: script });
  await page.evaluate(() => Object(globalThis).page.show(document.body));
  return page;
}

async function start(page: Page, content: string): Promise<void> {
  const buffer = Buffer.from(content);
  await page.locator('input[type=file]').setInputFiles({ name: 'train.jsonl', mimeType: 'application/jsonl', buffer });
  await page.getByRole('button', { name: 'Start' }).click();
}

describe('the example page with React and Apollo Client', () => {
  it('uploads a file, starts a job, follows it and cancels it', async () => {
    await using gateway = await startGateway();
    const page = await openPage(gateway);
    await start(page, trainingLines(12));
    const status = page.locator('output');
    await expect.poll(() => status.textContent(), { timeout: 60_000 }).toMatch(/VALIDATING_FILES|QUEUED|RUNNING/);
    await page.screenshot({ path: `${SCREENSHOTS}/new-job.png` });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => status.textContent(), { timeout: 60_000 }).toBe('CANCELLED');
    expect(await page.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
    const { data } = await gateway.query('{ fineTuningJobs(first: 1) { edges { node { status } } } }');
    expect(data).toMatchObject({ fineTuningJobs: { edges: [{ node: { status: 'CANCELLED' } }] } });
  });

  it('moves the progress bar while the job runs', async () => {
    await using gateway = await startGateway({ SANDBOX_SPEED: '30' });
    const page = await openPage(gateway);
    await start(page, trainingLines(40));
    const fraction = () => page.locator('progress').evaluate((bar) => Number(Object(bar).value));
    const values: number[] = [];
    const moved = async () => {
      values.push(await fraction());
      return new Set(values.filter((value) => value > 0 && value < 1)).size;
    };
    await expect.poll(moved, { timeout: 60_000 }).toBeGreaterThan(2);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  });

  it('keeps the idempotency key when the response to a create is lost, and so starts one job', async () => {
    await using gateway = await startGateway();
    const page = await openPage(gateway);
    let lost = 0;
    await page.route('**/graphql', async (route) => {
      if (lost > 0 || !route.request().postData()?.includes('createFineTuningJob')) return route.continue();
      lost++;
      await route.fetch(); // The gateway creates the job; the page never reads the response.
      return route.abort();
    });
    await start(page, trainingLines(12));
    await expect.poll(() => page.getByRole('alert').textContent(), { timeout: 60_000 }).toContain('Press Start again');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('output').waitFor();
    expect(lost).toBe(1);
    const { data } = await gateway.query('{ fineTuningJobs { edges { node { trainingFile { filename } } } } }');
    const { edges } = Object(data).fineTuningJobs;
    const created = edges.filter((edge: Edge) => edge.node.trainingFile?.filename === 'train.jsonl');
    expect(created).toHaveLength(1);
  });

  it('shows the problems of a file, and starts no job', async () => {
    await using gateway = await startGateway();
    const page = await openPage(gateway);
    await start(page, `${trainingLines(12)}no JSON\n`);
    await expect.poll(() => page.getByRole('alert').textContent(), { timeout: 60_000 }).toContain('line 13: ');
    expect(await page.locator('output').count()).toBe(0);
  });
});
