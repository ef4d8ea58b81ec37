import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScript, type TestProcess } from '../kit/process/process.ts';
import { launch, openGraphiql, PICTURES, press, turnTo } from './page.ts';

let gateway: TestProcess;
let url: string;
let browser: Browser;
beforeAll(async () => {
  gateway = startScript('src/main.ts', [], { PORT: '0' });
  url = (await gateway.said(/answers on (http:\S+\/graphql)/))[1] ?? '';
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

const open = () => openGraphiql(browser, url);

/** Presses the button, waits until the right side shows something, and gives what was answered. */
async function run(page: Page): Promise<{ data: Record<string, unknown> }> {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await press(page, (method) => method === 'POST');
  const answer = await (await answered).json();
  await page.locator('.result-window').getByText('"data"').waitFor();
  return answer;
}

const text = expect.any(String);
const number = expect.any(Number);

/** At least one of these; more of them may have more or less. */
const some = (item: object) => expect.arrayContaining([expect.objectContaining(item)]);
const edges = (node: object) => expect.objectContaining({ edges: some({ node: expect.objectContaining(node) }) });

/** What each tab shows of the sandbox. */
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

  it('turns to another tab at the first click', async () => {
    const { page } = await open();
    await turnTo(page, 'LossCurve');
  });

  it('answers what its tabs ask, without an error, on the sandbox', async () => {
    const { page, complaints } = await open();
    for (const [tab, data] of Object.entries(TABS)) {
      await turnTo(page, tab);
      expect(await run(page), tab).toEqual({ data });
      await page.screenshot({ path: `${PICTURES}/graphiql-${tab}.png` });
    }
    expect(complaints).toEqual([]);
  });

  it('shows the descriptions of the schema', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: /Documentation Explorer/i }).click();
    await page.getByRole('link', { name: 'Query' }).click();
    await page.getByText('The jobs of the account, newest first.').waitFor();
    await page.screenshot({ path: `${PICTURES}/graphiql-docs.png` });
  });

  it('runs its editors with workers, and no script but its own', async () => {
    const { page, complaints } = await open();
    await expect.poll(() => page.workers().length, { timeout: 25_000 }).toBeGreaterThan(0);
    await page.locator('.graphiql-query-editor .view-lines').click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('{ nothing');
    await page.locator('.graphiql-query-editor .squiggly-error').first().waitFor(); // A worker has read it.
    await page.screenshot({ path: `${PICTURES}/graphiql-worker.png` });
    expect(complaints).toEqual([]);
    const isRun = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.isForeign = true';
      document.head.append(script);
      return 'isForeign' in window;
    });
    expect(isRun).toBe(false);
    expect(complaints).toEqual([expect.stringMatching(/Content Security Policy/)]);
  });

  it('complains about nothing, and sends no request to another machine', async () => {
    const { page, complaints, requests } = await open();
    await run(page);
    expect(complaints).toEqual([]);
    const own = new URL(url).origin;
    expect(requests.filter((request) => !request.startsWith(own) && !/^(blob|data):/.test(request))).toEqual([]);
  });
});

/** Chooses one of the tab's operations, and waits until its result shows this; gives what of that is in brackets. */
async function choose(page: Page, operation: string, shown: RegExp): Promise<string> {
  const choice = page.getByRole('menuitem', { name: operation });
  const offer = async () => {
    if (!(await choice.isVisible())) await page.locator('.graphiql-execute-button').click();
    return await choice.isVisible();
  };
  await expect.poll(offer, { interval: 300, timeout: 25_000 }).toBe(true); // See `press`.
  await choice.click();
  const result = page.locator('.result-window');
  const text = async () => (await result.textContent())?.replaceAll(/\s+/g, ' ') ?? '';
  await expect.poll(text, { timeout: 25_000 }).toMatch(shown);
  await page.screenshot({ path: `${PICTURES}/graphiql-${operation}.png` });
  return shown.exec(await text())?.[1] ?? '';
}

async function setVariables(page: Page, variables: object): Promise<void> {
  await page.locator('.graphiql-editor-tool .view-lines').first().click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(JSON.stringify(variables));
  await page.keyboard.press('ControlOrMeta+Shift+End'); // The editor has closed by itself what was opened.
  await page.keyboard.press('Delete');
}

describe('the tab of GraphiQL with a new job', () => {
  it('uploads a file, starts a job, follows it and cancels it', async () => {
    const { page, complaints } = await open();
    await turnTo(page, 'UploadFile');
    const fileId = await choose(page, 'UploadFile', /"id": "(file-\w+)".*"exampleCount": 10/);
    await setVariables(page, { fileId });
    const jobId = await choose(page, 'StartJob', /"id": "(ftjob-\w+)"/);
    await setVariables(page, { jobId });
    await choose(page, 'WatchJob', /"status": "(\w+)".*"viewerCanCancel": true/);
    await page.getByRole('button', { name: /stop/i }).click();
    await page.getByRole('button', { name: /execute/i }).waitFor();
    expect(await choose(page, 'CancelJob', /"status": "(CANCEL\w+)"/)).toBe('CANCELLED');
    expect(complaints).toEqual([]);
  });
});
