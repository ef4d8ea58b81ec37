import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { launch } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard } from './gateway.ts';
import { startScriptedDashboard } from './scripted.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

it('shows markup in the texts of the upstream as text', async () => {
  const { url, upstream } = await startScriptedDashboard();
  let count = 0;
  const markups: string[] = [];
  const attack = () => {
    const markup = `<img src=x onerror=alert(${++count})>`;
    markups.push(markup);
    return markup;
  };
  const job = jobBody({
    status: 'failed',
    model: attack(),
    user_provided_suffix: attack(),
    organization_id: attack(),
    fine_tuned_model: attack(),
    training_file: 'file-training',
    error: { code: attack(), message: attack(), param: attack() },
    metadata: { key: attack(), '<b>bold</b>': 'value' },
    integrations: [{ type: 'wandb', wandb: { project: attack(), name: attack(), tags: [attack()] } }],
    method: { type: 'reinforcement', reinforcement: { grader: { type: 'python', name: attack(), source: attack() } } },
  });
  upstream.onJob(job);
  upstream.onFile(fileBody('file-training', { filename: attack() }));
  upstream.onCheckpoints(job.id, [
    checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: attack(), step_number: 1 }),
  ]);
  upstream.onEvents(job.id, [
    stepBody(1, 1),
    eventBody('ftevent-error', { level: 'error', message: attack() }),
    eventBody('ftevent-odd', { level: attack(), message: '<script>alert(0)</script>' }),
  ]);
  const watched = await openDashboard(browser, url, `#/jobs/${job.id}`);
  const { page } = watched;
  await page.locator('.plot canvas').first().waitFor();
  await page.getByText('<script>alert(0)</script>').waitFor();
  for (const markup of markups) await page.getByText(markup).first().waitFor({ state: 'attached' });
  await page.getByText('<b>bold</b>').waitFor();
  expect(await page.locator('main img, main script, main b').count()).toBe(0);
  await expectAccessible(page);
  expectQuiet(watched, url);
});
