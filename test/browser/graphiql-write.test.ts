import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScript, type TestProcess } from '../kit/process.ts';
import { launch, openGraphiql, PICTURES, turnTo } from './page.ts';

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

/** Chooses one of the tab's operations, and waits until its result shows this; gives what of that is in brackets. */
async function run(page: Page, operation: string, shown: RegExp): Promise<string> {
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
    const { page, complaints } = await openGraphiql(browser, url);
    await turnTo(page, 'UploadFile');
    const fileId = await run(page, 'UploadFile', /"id": "(file-\w+)".*"exampleCount": 10/);
    await setVariables(page, { fileId });
    const jobId = await run(page, 'StartJob', /"id": "(ftjob-\w+)"/);
    await setVariables(page, { jobId });
    await run(page, 'WatchJob', /"status": "(\w+)".*"viewerCanCancel": true/);
    await page.getByRole('button', { name: /stop/i }).click();
    await page.getByRole('button', { name: /execute/i }).waitFor();
    expect(await run(page, 'CancelJob', /"status": "(CANCEL\w+)"/)).toBe('CANCELLED');
    expect(complaints).toEqual([]);
  });
});
