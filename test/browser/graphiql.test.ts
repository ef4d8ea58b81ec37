import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startScript, type TestProcess } from '../kit/process/process.ts';
import { execute, launch, openGraphiql, SCREENSHOTS, selectTab } from './page.ts';

let gateway: TestProcess;
let url: string;
let browser: Browser;
beforeAll(async () => {
  gateway = startScript('src/main.ts', [], { PORT: '0' });
  url = (await gateway.waitForOutput(/listens on (http:\S+\/graphql)/))[1] ?? '';
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

const open = () => openGraphiql(browser, url);

/** Runs the query of the selected tab, waits until the result is shown, and returns it. */
async function run(page: Page): Promise<{ data: Record<string, unknown> }> {
  const responded = page.waitForResponse((response) => response.request().method() === 'POST');
  await execute(page, (method) => method === 'POST');
  const result = await (await responded).json();
  await page.locator('.result-window').getByText('"data"').waitFor();
  return result;
}

const text = expect.any(String);
const number = expect.any(Number);

/** A list with at least one such item. */
const some = (item: object) => expect.arrayContaining([expect.objectContaining(item)]);
const edges = (node: object) => expect.objectContaining({ edges: some({ node: expect.objectContaining(node) }) });

/** The result of each tab on the sandbox. */
const TABS = {
  Jobs: {
    gateway: { upstreamName: 'sandbox', isSandbox: true },
    fineTuningJobs: edges({
      id: expect.stringMatching(/^ftjob-/),
      model: expect.objectContaining({ id: text }),
      progress: expect.objectContaining({ fraction: number }),
      trainingFile: { filename: text, bytes: number },
    }),
  },
  LossCurve: {
    fineTuningJob: {
      status: 'SUCCEEDED',
      fineTunedModel: { id: expect.stringMatching(/^ft:/) },
      progress: { step: number, totalSteps: number, fraction: 1, epoch: number },
      metrics: {
        totalPoints: number,
        isComplete: true,
        points: some({ trainLoss: number, validLoss: number, fullValidLoss: number }),
      },
    },
  },
  EventsAndCheckpoints: {
    fineTuningJob: {
      events: edges({ level: 'INFO', message: 'The job has successfully completed', createdAt: number }),
      checkpoints: edges({
        stepNumber: number,
        fineTunedModelId: text,
        metrics: { trainLoss: number, fullValidLoss: number },
      }),
    },
  },
  Job: {
    fineTuningJob: expect.objectContaining({
      isTerminal: true,
      validationFile: { filename: text },
      resultFiles: [{ filename: text, preview: { text: expect.stringMatching(/^step,/) } }],
      method: { type: text, hyperparameters: expect.objectContaining({ nEpochs: 3 }) },
    }),
  },
};

describe('GraphiQL in a browser', () => {
  it('opens with six example tabs', async () => {
    const { page } = await open();
    const tabs = page.locator('.graphiql-tab-button');
    await tabs.nth(5).waitFor();
    expect(await tabs.allTextContents()).toEqual([
      'Jobs',
      'LiveJobs',
      'LossCurve',
      'EventsAndCheckpoints',
      'Job',
      'UploadFile',
    ]);
  });

  it('shows the instructions of each tab beside the run button, in a small window too', async () => {
    const { page } = await open();
    await page.setViewportSize({ width: 1024, height: 700 });
    const tabs = page.locator('.graphiql-tab-button');
    await tabs.nth(5).waitFor();
    for (const tab of await tabs.allTextContents()) {
      await selectTab(page, tab);
      const comments = page.locator('.graphiql-query-editor .view-line > span > span').filter({ hasText: /^#/ });
      const check = async () => {
        const button = await page.locator('.graphiql-execute-button').boundingBox();
        const boxes = await Promise.all((await comments.all()).map((comment) => comment.boundingBox()));
        expect(boxes.length, tab).toBeGreaterThan(1);
        for (const box of boxes) {
          expect((box?.x ?? 0) + (box?.width ?? 0), tab).toBeLessThan(button?.x ?? 0);
          expect((box?.y ?? 0) + (box?.height ?? 0), tab).toBeLessThan(450); // Above the variables.
        }
      };
      await vi.waitFor(check, { timeout: 60_000 }); // The editor colors its text, and renders its button again, a moment later.
    }
  });

  it('selects another tab at the first click', async () => {
    const { page } = await open();
    await selectTab(page, 'LossCurve');
  });

  it('runs the queries of its tabs on the sandbox without an error', async () => {
    const { page, consoleErrors } = await open();
    for (const [tab, data] of Object.entries(TABS)) {
      await selectTab(page, tab);
      expect(await run(page), tab).toEqual({ data });
      await page.screenshot({ path: `${SCREENSHOTS}/graphiql-${tab}.png` });
    }
    expect(consoleErrors).toEqual([]);
  });

  it('shows the descriptions of the schema', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: /Documentation Explorer/i }).click();
    await page.getByRole('link', { name: 'Query' }).click();
    await page.getByText('The jobs of the upstream account, newest first.').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/graphiql-docs.png` });
  });

  it('runs its editors in workers, and no injected script', async () => {
    const { page, consoleErrors } = await open();
    await expect.poll(() => page.workers().length, { timeout: 60_000 }).toBeGreaterThan(0);
    await page.locator('.graphiql-query-editor .view-lines').click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('{ nothing');
    await page.locator('.graphiql-query-editor .squiggly-error').first().waitFor(); // Reported by a worker.
    await page.screenshot({ path: `${SCREENSHOTS}/graphiql-worker.png` });
    expect(consoleErrors).toEqual([]);
    const isRun = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.isForeign = true';
      document.head.append(script);
      return 'isForeign' in window;
    });
    expect(isRun).toBe(false);
    expect(consoleErrors).toEqual([expect.stringMatching(/Content Security Policy/)]);
  });

  it('logs no error, and sends no request to another host', async () => {
    const { page, consoleErrors, requests } = await open();
    await run(page);
    expect(consoleErrors).toEqual([]);
    const own = new URL(url).origin;
    expect(requests.filter((request) => !request.startsWith(own) && !/^(blob|data):/.test(request))).toEqual([]);
  });
});

/** Runs one of the tab's operations, and waits until the result matches. Returns the first group of the match. */
async function runOperation(page: Page, operation: string, expected: RegExp): Promise<string> {
  const menuItem = page.getByRole('menuitem', { name: operation });
  const openMenu = async () => {
    if (!(await menuItem.isVisible())) await page.locator('.graphiql-execute-button').click();
    return await menuItem.isVisible();
  };
  await expect.poll(openMenu, { interval: 300, timeout: 60_000 }).toBe(true); // See `execute`.
  await menuItem.click();
  const result = page.locator('.result-window');
  const text = async () => (await result.textContent())?.replaceAll(/\s+/g, ' ') ?? '';
  await expect.poll(text, { timeout: 60_000 }).toMatch(expected);
  await page.screenshot({ path: `${SCREENSHOTS}/graphiql-${operation}.png` });
  return expected.exec(await text())?.[1] ?? '';
}

async function setVariables(page: Page, variables: object): Promise<void> {
  await page.locator('.graphiql-editor-tool .view-lines').first().click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(JSON.stringify(variables));
  await page.keyboard.press('ControlOrMeta+Shift+End'); // The editor has inserted closing brackets.
  await page.keyboard.press('Delete');
}

describe('the tab of GraphiQL for a new job', () => {
  it('starts a job with the example file in its variables', async () => {
    const { page, consoleErrors } = await open();
    await selectTab(page, 'UploadFile');
    expect(await runOperation(page, 'StartJob', /"id": "(ftjob-\w+)"/)).toMatch(/^ftjob-/);
    expect(consoleErrors).toEqual([]);
  });

  it('uploads a file, starts a job, follows it and cancels it', async () => {
    const { page, consoleErrors } = await open();
    await selectTab(page, 'UploadFile');
    const fileId = await runOperation(page, 'UploadFile', /"id": "(file-\w+)".*"exampleCount": 10/);
    await setVariables(page, { fileId });
    const jobId = await runOperation(page, 'StartJob', /"id": "(ftjob-\w+)"/);
    await setVariables(page, { jobId });
    await runOperation(page, 'WatchJob', /"status": "(\w+)".*"viewerCanCancel": true/);
    await page.getByRole('button', { name: /stop/i }).click();
    await page.getByRole('button', { name: /execute/i }).waitFor();
    expect(await runOperation(page, 'CancelJob', /"status": "(CANCEL\w+)"/)).toBe('CANCELLED');
    expect(consoleErrors).toEqual([]);
  });
});
