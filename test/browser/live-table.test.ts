import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventBody, stepBody } from '../kit/bodies/event.ts';
import { jobBody } from '../kit/bodies/job.ts';
import { startGateway } from '../kit/gateway/gateway.ts';
import { startUpstream } from '../kit/gateway/upstream.ts';
import { bundle } from './bundle.ts';
import { launch, newPage, SCREENSHOTS } from './page.ts';

let browser: Browser;
let script: string;
beforeAll(async () => {
  [browser, script] = await Promise.all([launch(), bundle('../../docs/examples/live-table.jsx')]);
});
afterAll(() => browser?.close());

it('the example of a live table shows all jobs, moves their progress and adds new ones', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, POLL_INTERVAL_MS: '200' });
  const jobs = new Map<string, ReturnType<typeof jobBody>>();
  const setJob = (id: string, members: Record<string, unknown>) => {
    jobs.set(id, jobBody({ id, user_provided_suffix: id, ...members }));
    upstream.onJobs([...jobs.values()].reverse());
    for (const job of jobs.values()) upstream.onJob(job);
  };
  const setStep = (step: number) =>
    upstream.onEvents('moving', [
      ...Array.from({ length: step }, (_, index) => stepBody(step - index, 4)),
      eventBody('created'),
    ]);
  setJob('done', { status: 'succeeded', created_at: 1_760_000_000 });
  setJob('moving', { status: 'running', created_at: 1_760_000_001 });
  setStep(1);

  const { page } = await newPage(browser);
  await page.goto(new URL('/health', gateway.url).href); // A page of the gateway's own origin.
  await page.addScriptTag({ content: script });
  await page.evaluate(() => Object(globalThis).page.show(document.body));
  const rows = () =>
    page
      .locator('tr')
      .evaluateAll((all) =>
        all.map((row) => [
          row.children[0]?.textContent,
          row.children[1]?.textContent,
          row.querySelector('progress')?.value ?? null,
        ]),
      );
  const shown = { timeout: 60_000 };
  await expect.poll(rows, shown).toEqual([
    ['moving', 'RUNNING', 0.25],
    ['done', 'SUCCEEDED', null],
  ]);
  setStep(3);
  await expect.poll(async () => (await rows())[0], shown).toEqual(['moving', 'RUNNING', 0.75]);
  await page.screenshot({ path: `${SCREENSHOTS}/live-table.png` });
  setJob('new', { status: 'queued', created_at: 1_760_000_002 });
  await expect.poll(async () => (await rows())[0], shown).toEqual(['new', 'QUEUED', null]);
});
