import { describe, expect, it } from 'vitest';
import { createBoard } from '../../../src/terminal/job-table.ts';
import { pictureJob } from '../../kit/process/job-row.ts';

const point = (step: number) => ({ step, trainLoss: 1 / step, trainMeanReward: null });
const points = (count: number) => Array.from({ length: count }, (_, index) => point(index + 1));
const ids = (board: ReturnType<typeof createBoard>) => board.rows().map(({ job }) => job.id);
const ended = (id: string) => pictureJob({ id, status: 'SUCCEEDED', isTerminal: true });

describe('the board', () => {
  it('has those that move, newest first, before those that have ended, the last first', () => {
    const board = createBoard();
    for (const [id, createdAt] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
      ['d', 4],
    ] as const)
      board.see(pictureJob({ id, createdAt }));
    board.see(ended('d'));
    board.see(ended('a'));
    expect(ids(board)).toEqual(['b', 'c', 'a', 'd']);
  });

  it('lets a job that has ended not move again', () => {
    const board = createBoard();
    board.see(ended('a'));
    board.see(pictureJob({ id: 'a' }));
    expect(board.row('a')?.job.status).toBe('SUCCEEDED');
  });

  it('adds each step once, and keeps curve and progress when the state changes', () => {
    const board = createBoard();
    board.see(pictureJob());
    const progress = { step: 2, totalSteps: 4, fraction: 0.5, estimatedFinishAt: null };
    board.survey('ftjob-1', null, points(2));
    board.add('ftjob-1', progress, point(2));
    board.add('ftjob-1', null, point(3));
    board.see(ended('ftjob-1'));
    expect(board.row('ftjob-1')).toMatchObject({ progress, curve: points(3), job: { status: 'SUCCEEDED' } });
    expect(board.lastStep('ftjob-1')).toBe(3);
  });

  it('keeps of a long curve its shape and its last step, and of all that have ended the last hundred', () => {
    const board = createBoard();
    board.see(pictureJob());
    for (const step of points(5000)) board.add('ftjob-1', null, step);
    expect(board.row('ftjob-1')?.curve.length).toBeLessThanOrEqual(512);
    expect(board.lastStep('ftjob-1')).toBe(5000);
    for (let index = 0; index < 150; index++) board.see(ended(`old-${index}`));
    expect([ids(board).length, ids(board)[1], ids(board).at(-1)]).toEqual([101, 'old-149', 'old-50']);
  });

  it('knows nothing of what was never seen', () => {
    const board = createBoard();
    board.add('ftjob-1', null, point(1));
    board.survey('ftjob-1', null, points(1));
    expect([board.rows(), board.lastStep('ftjob-1')]).toEqual([[], 0]);
  });
});
