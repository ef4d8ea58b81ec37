import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { draw, type Frame, maxRows } from '../../../src/terminal/draw.ts';
import { terminalRow } from '../../kit/process/job-row.ts';

const frame = (members: Partial<Frame> = {}): Frame => ({
  width: 80,
  height: 24,
  now: 1_767_225_600_000,
  isColored: false,
  heading: 'Jobs',
  notice: undefined,
  ...members,
});

const ROW = terminalRow({}, [4, 3, 2, 1.5, 1.25, 1.125, 1, 0.5]);

describe('the table', () => {
  it.each([
    [4, ['run…']],
    [12, ['running   ']],
    [30, ['running     tone  gpt-4o  ftj…']],
    [50, ['running     ██░░░░░░░░  25 %  tone  gpt-4o  ftjob…']],
    [60, ['running     ██░░░░░░░░  25 %  3m 20s   tone  gpt-4o  ftjob-1']],
    [80, ['running     ██░░░░░░░░  25 %  3m 20s   █▆▄▃▃▂▂▁ 0.5000   tone  gpt-4o  ftjob-1']],
  ])('shows the cells that fit into %s columns, the most important first', (width, lines) => {
    expect(draw([ROW], frame({ width })).slice(1)).toEqual(lines);
  });

  it('shows the reward of a job that has one, and the error message of a failed job', () => {
    const curve = [0.1, 0.9].map((reward, index) => ({ step: index + 1, trainLoss: null, trainMeanReward: reward }));
    const failed = { id: 'ftjob-2', status: 'FAILED', isTerminal: true, error: { message: 'The file is empty.' } };
    const lines = draw([{ ...ROW, curve }, terminalRow(failed)], frame({ width: 100 }));
    expect(lines[1]).toMatch(/ ▁█ 0\.9000 /);
    expect(lines[2]).toMatch(/^failed .*tone {2}The file is empty\. {2}/);
  });

  it('shows a succeeded job as complete, without a time left', () => {
    const [, line = ''] = draw([terminalRow({ status: 'SUCCEEDED', isTerminal: true })], frame());
    expect(line).toMatch(/^succeeded {3}█{10} 100 % {2} +tone/);
    expect(line).not.toMatch(/\ds/);
  });

  it('shows an unknown status in the spelling of the upstream', () => {
    const [, line = ''] = draw([terminalRow({ status: 'UNKNOWN', rawStatus: 'on_hold' })], frame());
    expect(line).toMatch(/^on_hold /);
  });

  it('shows the number of jobs that do not fit', () => {
    const rows = Array.from({ length: 30 }, (_, index) => terminalRow({ id: `ftjob-${index}` }));
    const lines = draw(rows, frame({ height: 10, notice: 'Something.' }));
    expect([lines.length, lines.at(-2), lines.at(-1)]).toEqual([9, '… and 24 more', 'Something.']);
    expect(draw(rows.slice(0, maxRows(10)), frame({ height: 10 })).join()).not.toContain('more');
  });

  it('has colors if they are on, and no control sequence if not', () => {
    const colored = draw([ROW], frame({ isColored: true }));
    expect(colored.join()).toContain('\u001b[34mrunning');
    expect(colored.map((line) => stripVTControlCharacters(line))).toEqual(draw([ROW], frame()));
  });

  it('fits terminals of every size, whatever the names of jobs, and has no control characters', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constant('微調整👩‍🔬\u001b[2J'),
    );
    const job = fc.record({ suffix: fc.option(text), modelId: text, rawStatus: text, id: text });
    fc.assert(
      fc.property(
        fc.array(job, { maxLength: 8 }),
        text,
        fc.nat(220),
        fc.integer({ min: 1, max: 12 }),
        (jobs, notice, width, height) => {
          const rows = jobs.map((members) => terminalRow({ status: 'UNKNOWN', ...members }, [3, 2, 1e-9]));
          const lines = draw(rows, frame({ width, height, heading: notice, notice }));
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, height - 1));
          for (const line of lines) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
    );
  });
});
