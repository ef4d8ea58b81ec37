import type { Browser, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { tokenFile } from '../../kit/process/token.ts';
import { newPage, type WatchedPage } from '../page.ts';
import { type DashboardGateway, startDashboardGateway } from './gateway.ts';

/** A gateway with a token of each role. */
export async function startWithRoles(
  settings: Record<string, string> = {},
): Promise<DashboardGateway & { tokens: Record<'vera' | 'otto' | 'ada', string> }> {
  const { tokens, file } = tokenFile({ vera: 'viewer', otto: 'operator', ada: 'admin' });
  const gateway = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file, ...settings });
  return { ...gateway, tokens };
}

/** Opens the dashboard in a tab that has stored a token. */
export async function openAs(browser: Browser, url: string, token: string, hash: string): Promise<WatchedPage> {
  const watched = await newPage(browser);
  await watched.page.addInitScript(`sessionStorage.setItem('finetune-gateway-token', '${token}')`);
  await watched.page.goto(`${url}${hash}`);
  return watched;
}

/** Presses Tab until `target` has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < 60; presses++) {
    if (await hasFocus(target)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${target} cannot be reached with Tab.`);
}

export const hasFocus = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element === element.ownerDocument.activeElement);

/** A file as the browser's file chooser returns it. */
export const jsonl = (content: string, name = 'train.jsonl') => ({
  name,
  mimeType: 'application/jsonl',
  buffer: Buffer.from(content),
});

/** The input that uploads the training file. */
export const trainingUpload = (page: Page): Locator => page.locator('#upload-trainingFileId');

/** Uploads a training file and waits until it is chosen. */
export async function uploadTrainingFile(page: Page, file: ReturnType<typeof jsonl>): Promise<void> {
  await trainingUpload(page).setInputFiles(file);
  await page.locator('[data-upload="stored"]').waitFor();
  await expect.poll(() => page.locator('[id="field-trainingFileId"]').inputValue()).toMatch(/^file-/);
}

/** The field of this path in the input. */
export const fieldOf = (page: Page, path: string): Locator => page.locator(`[id="field-${path}"]`);

export const startButton = (page: Page): Locator => page.getByRole('button', { name: 'Start the job' });

/** Different lines for DPO. */
export const preferenceLines = (count: number): string =>
  linesOf(count, (index) => ({
    input: { messages: [{ role: 'user', content: `question ${index}` }] },
    preferred_output: [{ role: 'assistant', content: 'yes' }],
    non_preferred_output: [{ role: 'assistant', content: 'no' }],
  }));

/** Different lines for reinforcement. */
export const reinforcementLines = (count: number): string =>
  linesOf(count, (index) => ({
    messages: [{ role: 'user', content: `question ${index}` }],
    reference_answer: 'a',
  }));

const linesOf = (count: number, line: (index: number) => object) =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify(line(index))}\n`).join('');
