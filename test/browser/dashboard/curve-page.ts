import type { Browser } from 'playwright-core';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { csvOf, toBase64 } from '../../kit/bodies/results.ts';
import { openDashboard } from './gateway.ts';
import { startScriptedDashboard } from './scripted.ts';

export const lossOf = (step: number) => Number((2 / Math.sqrt(step)).toFixed(5));

/** The page of a job that has ended, with a curve of so many steps. Each tenth step has a validation loss. */
export async function openCurve(browser: Browser, steps: number, search = '') {
  const { url, upstream } = await startScriptedDashboard();
  const job = jobBody({
    status: 'succeeded',
    user_provided_suffix: 'support',
    finished_at: 1_760_001_000,
    fine_tuned_model: 'ft:model',
    result_files: ['file-results'],
  });
  const rows = Array.from({ length: steps }, (_, index) => {
    const step = index + 1;
    return [step, lossOf(step), 0.5, step % 10 === 0 ? lossOf(step) + 0.1 : ''];
  });
  upstream.onJob(job);
  upstream.onFile(fileBody('file-results', { purpose: 'fine-tune-results', filename: 'step_metrics.csv' }));
  upstream.onContent('file-results', toBase64(csvOf('step,train_loss,train_accuracy,valid_loss', rows)));
  upstream.onEvents(job.id, []);
  upstream.onCheckpoints(job.id, [checkpointBody('ftckpt-1', { step_number: 20 })]);
  const watched = await openDashboard(browser, url, `#/jobs/${job.id}${search}`);
  await watched.page.locator('.plot canvas').first().waitFor();
  return { ...watched, url, id: job.id };
}
