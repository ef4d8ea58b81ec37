import { describe, expect, it } from 'vitest';
import { createJobTable } from '../../../src/terminal/job-table.ts';
import { terminalJob } from '../../kit/process/job-row.ts';

const point = (step: number) => ({ step, trainLoss: 1 / step, trainMeanReward: null });
const points = (count: number) => Array.from({ length: count }, (_, index) => point(index + 1));
const ids = (table: ReturnType<typeof createJobTable>) => table.rows().map(({ job }) => job.id);
const ended = (id: string) => terminalJob({ id, status: 'SUCCEEDED', isTerminal: true });

describe('the job table', () => {
  it('lists active jobs, newest first, before ended jobs, the last to end first', () => {
    const table = createJobTable();
    for (const [id, createdAt] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
      ['d', 4],
    ] as const)
      table.setJob(terminalJob({ id, createdAt }));
    table.setJob(ended('d'));
    table.setJob(ended('a'));
    expect(ids(table)).toEqual(['b', 'c', 'a', 'd']);
  });

  it('never makes an ended job active again', () => {
    const table = createJobTable();
    table.setJob(ended('a'));
    table.setJob(terminalJob({ id: 'a' }));
    expect(table.row('a')?.job.status).toBe('SUCCEEDED');
  });

  it('adds each step once, and preserves curve and progress when the status changes', () => {
    const table = createJobTable();
    table.setJob(terminalJob());
    const progress = { step: 2, totalSteps: 4, fraction: 0.5, estimatedFinishAt: null };
    table.setDetails('ftjob-1', null, points(2));
    table.setProgress('ftjob-1', progress);
    table.addPoint('ftjob-1', point(2));
    table.addPoint('ftjob-1', point(3));
    table.setJob(ended('ftjob-1'));
    expect(table.row('ftjob-1')).toMatchObject({ progress, curve: points(3), job: { status: 'SUCCEEDED' } });
    expect(table.lastStep('ftjob-1')).toBe(3);
  });

  it('downsamples a long curve with its last step, and evicts ended jobs beyond the last hundred', () => {
    const table = createJobTable();
    table.setJob(terminalJob());
    for (const step of points(5000)) table.addPoint('ftjob-1', step);
    expect(table.row('ftjob-1')?.curve.length).toBeLessThanOrEqual(512);
    expect(table.lastStep('ftjob-1')).toBe(5000);
    for (let index = 0; index < 150; index++) table.setJob(ended(`old-${index}`));
    expect([ids(table).length, ids(table)[1], ids(table).at(-1)]).toEqual([101, 'old-149', 'old-50']);
  });

  it('ignores the details of an unknown job', () => {
    const table = createJobTable();
    table.addPoint('ftjob-1', point(1));
    table.setProgress('ftjob-1', null);
    table.setDetails('ftjob-1', null, points(1));
    expect([table.rows(), table.lastStep('ftjob-1')]).toEqual([[], 0]);
  });
});
