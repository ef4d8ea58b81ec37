import { describe, expect, it } from 'vitest';
import { resultsCsv } from '../../../../src/sandbox/artifacts/results.ts';
import { openSandbox, type WireEvent, type WireJob } from '../open.ts';
import { planOf } from '../plan.ts';

const rowsOf = (csv: string) => csv.split('\n').map((row) => row.split(','));

/** Parses the metrics of each row, by their names in events. Omits empty cells. */
function pointsOf(csv: string): Record<string, number>[] {
  const [header = [], ...rows] = rowsOf(csv.trimEnd());
  const names = header.map((name) => (name === 'train_accuracy' ? 'train_mean_token_accuracy' : name));
  return rows.map((cells) =>
    Object.fromEntries(cells.flatMap((cell, index) => (cell === '' ? [] : [[names[index], Number(cell)]]))),
  );
}

describe('the results of a job', () => {
  it('have the columns of the current trainer', () => {
    expect(rowsOf(resultsCsv(planOf()))[0]?.join()).toBe(
      'step,train_loss,train_mean_token_accuracy,valid_loss,valid_mean_token_accuracy,full_valid_loss,full_valid_mean_token_accuracy',
    );
  });

  it('have the columns of the legacy trainer', () => {
    expect(rowsOf(resultsCsv(planOf({ suffix: 'invoice-fields' })))[0]?.join()).toBe(
      'step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy',
    );
  });

  it('have rewards for reinforcement', () => {
    expect(rowsOf(resultsCsv(planOf({ suffix: 'agent-rubric' })))[0]).toContain('full_valid_mean_reward');
  });

  it('have a row per step, and empty cells for missing values', () => {
    const rows = rowsOf(resultsCsv(planOf()).trimEnd());
    expect(rows).toHaveLength(241);
    expect(rows[9]).toEqual(['9', expect.stringMatching(/^\d/), expect.stringMatching(/^\d/), '', '', '', '']);
    expect(rows[10]?.slice(3)).toEqual([expect.stringMatching(/^\d/), expect.stringMatching(/^\d/), '', '']);
    expect(rows[80]).not.toContain('');
  });

  it('have small numbers in the notation of Python, and at most five decimals', () => {
    const cells = rowsOf(resultsCsv(planOf({ suffix: 'intent-router' })).trimEnd())
      .slice(1)
      .flatMap((row) => row.slice(1));
    expect(cells.filter((cell) => /^\de-05$/.test(cell)).length).toBeGreaterThan(5);
    for (const cell of cells) expect(cell).toMatch(/^(\d\.\d{1,5}|\de-05|)$/);
  });
});

describe('the results file of a job', () => {
  it.each([
    [
      'of three epochs with validation',
      ({ hyperparameters, validation_file }: WireJob) => hyperparameters?.n_epochs === 3 && validation_file !== null,
    ],
    ['of the legacy trainer', ({ model }: WireJob) => model === 'gpt-4o-mini-2024-07-18'],
    ['of 5,000 steps', ({ model }: WireJob) => model === 'babbage-002'],
  ])('has the values of the events, with five decimals, of a job %s', async (_, matches) => {
    const { jobs, list, content } = await openSandbox();
    const job = (await jobs()).find((job) => job.status === 'succeeded' && matches(job));
    const csv = Buffer.from(await content(job?.result_files[0] ?? ''), 'base64').toString();
    const events = await list<WireEvent>(`/fine_tuning/jobs/${job?.id}/events?limit=10000`);
    const points = events.flatMap(({ type, data }) => (type === 'metrics' ? [{ ...data }] : [])).reverse();
    const columns = new Set(Object.keys(Object.assign({}, ...pointsOf(csv))));
    const expected = points.map((point) =>
      Object.fromEntries(
        Object.entries(point).flatMap(([name, value]) =>
          columns.has(name) ? [[name, Number(Number(value).toFixed(5))]] : [],
        ),
      ),
    );
    expect(pointsOf(csv)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(50);
  });

  it('is base64 of CSV', async () => {
    const { jobs, content } = await openSandbox();
    const job = (await jobs()).find(({ status }) => status === 'succeeded');
    const text = await content(job?.result_files[0] ?? '');
    expect(text).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(text, 'base64').toString()).toMatch(/^step,train_/);
  });
});
