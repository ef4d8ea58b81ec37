import { describe, expect, it } from 'vitest';
import { createJobTable } from '../../../src/terminal/job-table.ts';
import { pictureJob } from '../../kit/process/job-row.ts';

const point = (step: number) => ({ step, trainLoss: 1 / step, trainMeanReward: null });
const points = (count: number) => Array.from({ length: count }, (_, index) => point(index + 1));
const ids = (table: ReturnType<typeof createJobTable>) => table.rows().map(({ job }) => job.id);
const ended = (id: string) => pictureJob({ id, status: 'SUCCEEDED', isTerminal: true });

describe('the board', () => {
  it('has those that move, newest first, before those that have ended, the last first', () => {
    const table = createJobTable();
    for (const [id, createdAt] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
      ['d', 4],
    ] as const)
      table.see(pictureJob({ id, createdAt }));
    table.see(ended('d'));
    table.see(ended('a'));
    expect(ids(table)).toEqual(['b', 'c', 'a', 'd']);
  });

  it('lets a job that has ended not move again', () => {
    const table = createJobTable();
    table.see(ended('a'));
    table.see(pictureJob({ id: 'a' }));
    expect(table.row('a')?.job.status).toBe('SUCCEEDED');
  });

  it('adds each step once, and keeps curve and progress when the state changes', () => {
    const table = createJobTable();
    table.see(pictureJob());
    const progress = { step: 2, totalSteps: 4, fraction: 0.5, estimatedFinishAt: null };
    table.loadDetails('ftjob-1', null, points(2));
    table.add('ftjob-1', progress, point(2));
    table.add('ftjob-1', null, point(3));
    table.see(ended('ftjob-1'));
    expect(table.row('ftjob-1')).toMatchObject({ progress, curve: points(3), job: { status: 'SUCCEEDED' } });
    expect(table.lastStep('ftjob-1')).toBe(3);
  });

  it('keeps of a long curve its shape and its last step, and of all that have ended the last hundred', () => {
    const table = createJobTable();
    table.see(pictureJob());
    for (const step of points(5000)) table.add('ftjob-1', null, step);
    expect(table.row('ftjob-1')?.curve.length).toBeLessThanOrEqual(512);
    expect(table.lastStep('ftjob-1')).toBe(5000);
    for (let index = 0; index < 150; index++) table.see(ended(`old-${index}`));
    expect([ids(table).length, ids(table)[1], ids(table).at(-1)]).toEqual([101, 'old-149', 'old-50']);
  });

  it('knows nothing of what was never seen', () => {
    const table = createJobTable();
    table.add('ftjob-1', null, point(1));
    table.loadDetails('ftjob-1', null, points(1));
    expect([table.rows(), table.lastStep('ftjob-1')]).toEqual([[], 0]);
  });
});
