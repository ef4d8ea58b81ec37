import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { pager, type ScriptedUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard } from './gateway.ts';
import { startScriptedJobs } from './scripted-jobs.ts';
import { fieldOf, startButton } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const SOURCE = 'ftjob-source';
const XSS = '<img src=x onerror="document.title=1">';
const CREATED = 'ftjob-created';

/** The bodies of the creates that the upstream receives; it makes a job of each. */
function recordCreates(upstream: ScriptedUpstream): Record<string, unknown>[] {
  const bodies: Record<string, unknown>[] = [];
  const list = pager([]);
  upstream.on('/fine_tuning/jobs', async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return list(request, response);
    bodies.push((await json(request)) as Record<string, unknown>); // The gateway sends an object.
    writeResponse(response, 200, jobBody({ id: CREATED }));
  });
  return bodies;
}

async function openClone(members: Record<string, unknown>) {
  const job = jobBody({ id: SOURCE, status: 'succeeded', training_file: 'file-train', ...members });
  const started = await startScriptedJobs([job, jobBody({ id: CREATED })], { ALLOW_MUTATIONS: 'on' });
  started.upstream.onFiles([fileBody('file-train')]);
  const watched = await openDashboard(browser, started.url, `#/start?from=${SOURCE}`);
  await expect.poll(() => fieldOf(watched.page, 'modelId').inputValue()).toBe('gpt-4.1-mini-2025-04-14');
  return { ...started, ...watched, bodies: recordCreates(started.upstream) };
}

const WANDB = { project: 'support', name: 'run 1', entity: 'acme', tags: ['a, b', 'c'] };

const STRING_CHECK = {
  type: 'string_check',
  name: 'exact',
  input: '{{sample.output_text}}',
  reference: '{{item.answer}}',
  operation: 'ilike',
};
const GRADER = {
  type: 'multi',
  name: 'both',
  calculate_output: '0.5 * exact + 0.2 * similar + 0.1 * scored + 0.1 * labeled + 0.1 * coded',
  graders: {
    exact: STRING_CHECK,
    similar: {
      type: 'text_similarity',
      name: 'similar',
      input: '{{sample.output_text}}',
      reference: '{{item.answer}}',
      evaluation_metric: 'rouge_l',
    },
    scored: {
      type: 'score_model',
      name: 'scored',
      model: 'gpt-4.1-mini',
      input: [{ role: 'user', content: 'Rate it.' }],
      range: [0, 10],
      sampling_params: { temperature: 0 },
    },
    labeled: {
      type: 'label_model',
      name: 'labeled',
      model: 'gpt-4.1-mini',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'Good?' }] }],
      labels: ['good', 'bad'],
      passing_labels: ['good'],
    },
    coded: { type: 'python', name: 'coded', source: 'def grade(sample, item): return 1.0', image_tag: '2025-05-08' },
  },
};

describe('a clone', () => {
  it('sends all that the upstream accepts: the grader, runs in W&B, and properties that the form has no field for', async () => {
    const reinforcement = {
      grader: GRADER,
      hyperparameters: { n_epochs: 2, reasoning_effort: 'high', batch_size: 'auto', lora_r: 16 },
      response_format: { type: 'json_object' },
    };
    const metadata = { team: 'support' };
    const clone = await openClone({
      user_provided_suffix: 'bot',
      metadata,
      integrations: [{ type: 'wandb', wandb: { ...WANDB, run_id: 'r1' } }],
      method: { type: 'reinforcement', reinforcement },
    });
    const { page, url, bodies } = clone;
    expect(await fieldOf(page, 'integrations.0.wandb.tags').inputValue()).toBe('a, b\nc');
    expect(await page.getByRole('region', { name: 'Not copied' }).count()).toBe(0);
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 860 });
      await expectAccessible(page);
      await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-clone-${width}.png`, fullPage: true });
    }
    await startButton(page).click();
    await page.waitForURL(new RegExp(`#/jobs/${CREATED}`));
    const { n_epochs, reasoning_effort, lora_r } = reinforcement.hyperparameters;
    expect(bodies).toMatchObject([
      {
        model: 'gpt-4.1-mini-2025-04-14',
        training_file: 'file-train',
        suffix: 'bot',
        seed: 42,
        metadata,
        integrations: [{ type: 'wandb', wandb: WANDB }],
        method: {
          type: 'reinforcement',
          reinforcement: {
            grader: GRADER,
            hyperparameters: { n_epochs, reasoning_effort, lora_r },
            response_format: { type: 'json_object' },
          },
        },
      },
    ]);
    expect(Object(bodies[0]?.['integrations'])[0].wandb).toEqual(WANDB);
    expectQuiet(clone, url);
  });

  it('says in words what it does not copy', async () => {
    const unknownGrader = { type: 'quantum', name: 'q' };
    const clone = await openClone({
      training_file: 'file-gone',
      validation_file: 'file-away',
      integrations: [{ type: XSS }],
      trainingType: 'Standard',
      method: { type: 'reinforcement', reinforcement: { grader: unknownGrader, hyperparameters: { n_epochs: 2 } } },
    });
    const { page, url } = clone;
    const notice = page.getByRole('region', { name: 'Not copied' });
    expect(await notice.locator('li').allTextContents()).toEqual([
      'The grader of the type quantum: this version of the gateway does not know it.',
      'The training file file-gone: it was deleted.',
      'The validation file file-away: it was deleted.',
      `An integration of the type ${XSS}: this version of the gateway cannot create it.`,
      'trainingType: only this upstream has such a property, and may have set it itself.',
    ]);
    expect(await fieldOf(page, 'trainingFileId').inputValue()).toBe('');
    expect(await fieldOf(page, 'validationFileId').inputValue()).toBe('');
    expect(await page.locator('main img').count()).toBe(0);
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-start-not-copied.png`, fullPage: true });
    expectQuiet(clone, url);
  });
});

describe('a value that is no JSON of the right form', () => {
  it('is an error at its field, and never sent', async () => {
    const clone = await openClone({
      method: { type: 'reinforcement', reinforcement: { grader: STRING_CHECK, hyperparameters: {} } },
    });
    const { page, url, bodies } = clone;
    const errorOf = (path: string) => page.locator(`[data-error="${path}"]`);
    const grader = 'method.reinforcement.grader';
    const check = JSON.parse(await fieldOf(page, grader).inputValue());
    const cases: [unknown, string][] = [
      ['{', 'is no JSON; expected an object'],
      ['[]', 'is a list; expected an object'],
      [{}, 'has 0 members; expected exactly one of multi, python'],
      [{ ...check, python: null }, 'has 2 members; expected exactly one of'],
      [{ stringCheck: null }, 'has 1 member; expected exactly one of'],
      [{ quantum: {} }, 'quantum: is unknown; expected one of multi, python'],
      [{ stringCheck: [] }, 'stringCheck: is a list; expected an object'],
      [
        { stringCheck: { ...check.stringCheck, operation: 'eq' } },
        'stringCheck.operation: is unknown; expected one of',
      ],
      [{ stringCheck: { ...check.stringCheck, name: 5 } }, 'stringCheck.name: is a number; expected a string'],
      [{ stringCheck: { ...check.stringCheck, name: null } }, 'stringCheck.name: is null; expected a string'],
      [{ stringCheck: { name: 'a' } }, 'stringCheck.input: is missing; expected a string'],
      [{ multi: { name: 'a', calculateOutput: '1', graders: [{ name: 'a' }] } }, 'multi.graders.0.grader: is missing'],
    ];
    for (const [value, message] of cases) {
      await fieldOf(page, grader).fill(typeof value === 'string' ? value : JSON.stringify(value));
      await startButton(page).click();
      await errorOf(grader).getByText(message).waitFor();
    }
    await fieldOf(page, grader).fill(JSON.stringify(check));
    await page.getByText('Other properties', { exact: true }).click();
    await fieldOf(page, 'extra').fill('5');
    await fieldOf(page, 'method.reinforcement.extra').fill('{"a": ');
    await fieldOf(page, 'seed').fill('1e99');
    await fieldOf(page, 'method.reinforcement.hyperparameters.nEpochs').fill('2.5');
    await fieldOf(page, 'method.reinforcement.hyperparameters.learningRateMultiplier').fill('1e999');
    await startButton(page).click();
    await errorOf('extra').getByText('is a number; expected an object').waitFor();
    const paths = await page.locator('[data-error]').evaluateAll((all) => all.map((one) => Object(one).dataset.error));
    expect(paths).toHaveLength(5);
    expect(bodies).toEqual([]);
    expectQuiet(clone, url);
  });

  it('of other properties is an error of the gateway at its field', async () => {
    const clone = await openClone({});
    const { page, url } = clone;
    await page.getByText('Other properties', { exact: true }).click();
    await fieldOf(page, 'extra').fill('{"model": "other"}');
    await page.getByRole('button', { name: 'Add a run' }).click();
    await fieldOf(page, 'integrations.0.wandb.entity').fill('acme');
    await startButton(page).click();
    await page.locator('[data-error="extra"]').getByText('model: is not an extra member').waitFor();
    await page.locator('[data-error="integrations.0.wandb.project"]').getByText('is empty').waitFor();
    expectQuiet(clone, url);
  });

  it('may have as many levels as the gateway accepts', async () => {
    const { page, bodies } = await openClone({});
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    await page.getByText('Other properties', { exact: true }).click();
    const extra = fieldOf(page, 'method.supervised.extra');
    await extra.fill(nested(46));
    await startButton(page).click();
    await page.locator('[data-error="method.supervised.extra"]').getByText('is nested too deep').waitFor();
    await extra.fill(nested(45));
    await startButton(page).click();
    await page.waitForURL(new RegExp(`#/jobs/${CREATED}`));
    expect(bodies).toHaveLength(1);
  });
});
