import { describe, expect, it } from 'vitest';
import { mergePoints } from '../../../src/dashboard/chart/merge-points.ts';
import { measuredPanels, type Point } from '../../../src/dashboard/chart/metric.ts';
import { linesOf, newestValues } from '../../../src/dashboard/chart/panel-data.ts';
import { columnTexts } from '../../../src/dashboard/chart/point-text.ts';
import { FIRST_POINTS, nextMaxPoints } from '../../../src/dashboard/chart/points-request.ts';
import { smooth } from '../../../src/dashboard/chart/smoothing.ts';
import { readCurveView, viewParams } from '../../../src/dashboard/chart/view.ts';
import { axisDenialOf, xValues } from '../../../src/dashboard/chart/x-axis.ts';

const point = (step: number, members: Partial<Point> = {}): Point => ({
  step,
  createdAt: null,
  trainLoss: null,
  validLoss: null,
  fullValidLoss: null,
  trainMeanTokenAccuracy: null,
  validMeanTokenAccuracy: null,
  fullValidMeanTokenAccuracy: null,
  trainMeanReward: null,
  validMeanReward: null,
  fullValidMeanReward: null,
  ...members,
});

describe('smoothing', () => {
  it('has no bias towards 0 at the start', () => {
    expect(smooth([4, 4, 4], 0.9)).toEqual([4, 4, 4].map((value) => expect.closeTo(value, 10)));
    expect(smooth([1, 3], 0.5)[1]).toBeCloseTo((0.5 * 0.5 * 1 + 0.5 * 3) / 0.75, 12);
  });

  it('leaves gaps, which do not count', () => {
    expect(smooth([1, null, 3], 0.5)).toEqual([1, null, smooth([1, 3], 0.5)[1]]);
  });

  it('changes nothing with the weight 0', () => {
    expect(smooth([1, 5, null, -2], 0)).toEqual([1, 5, null, -2]);
  });
});

describe('a merge of points', () => {
  it('has each step once, by ascending step', () => {
    const merged = mergePoints([point(1), point(5)], [point(3), point(5), point(9)]);
    expect(merged.map(({ step }) => step)).toEqual([1, 3, 5, 9]);
  });

  it('prefers new values and keeps what the new point lacks', () => {
    const known = point(2, { createdAt: 100, trainLoss: 1, validLoss: 2 });
    expect(mergePoints([known], [point(2, { trainLoss: 0, fullValidLoss: 3 })])).toEqual([
      point(2, { createdAt: 100, trainLoss: 0, validLoss: 2, fullValidLoss: 3 }),
    ]);
  });

  it('is the known list when nothing is added', () => {
    const known = [point(1)];
    expect(mergePoints(known, [])).toBe(known);
  });
});

describe('the requests for a curve', () => {
  it.each([
    [FIRST_POINTS, 0, null],
    [FIRST_POINTS, FIRST_POINTS, null],
    [FIRST_POINTS, FIRST_POINTS + 1, 10_000],
    [10_000, 25_000, null],
  ])('after %d points of %s are for %s', (maxPoints, totalPoints, expected) => {
    expect(nextMaxPoints(maxPoints, totalPoints)).toBe(expected);
  });
});

describe('the x axis', () => {
  const timed = [point(10, { createdAt: 7 }), point(20, { createdAt: 5 }), point(30, { createdAt: 9 })];

  it('is the step, the epoch or the time, and never goes back', () => {
    expect(xValues('step', timed, null)).toEqual([10, 20, 30]);
    expect(xValues('epoch', timed, 20)).toEqual([0.5, 1, 1.5]);
    expect(xValues('time', timed, null)).toEqual([7, 7, 9]);
  });

  it('says why it is not available', () => {
    expect(axisDenialOf('step', [point(1)], null)).toBeNull();
    expect(axisDenialOf('epoch', timed, null)).toMatch(/number of epochs/);
    expect(axisDenialOf('epoch', timed, 20)).toBeNull();
    expect(axisDenialOf('time', timed, null)).toBeNull();
    expect(axisDenialOf('time', [...timed, point(40)], null)).toMatch(/no times/);
  });
});

describe('the view of a curve', () => {
  it('is the same after the way through the URL', () => {
    const view = {
      x: 'time',
      smooth: 0.6,
      isLog: true,
      hidden: new Set(['validLoss'] as const),
      range: [1.5, 3],
    } as const;
    const entries = Object.entries({ ...viewParams({ ...view, range: null }), ...viewParams({ range: view.range }) });
    const params = new URLSearchParams(entries.map(([name, value]) => [name, value ?? '']));
    expect(readCurveView(params)).toEqual(view);
  });

  it('has defaults, which are not in the URL', () => {
    const view = readCurveView(new URLSearchParams());
    expect(view).toEqual({ x: 'step', smooth: 0, isLog: false, hidden: new Set(), range: null });
    expect(Object.values(viewParams(view))).toEqual([null, null, null, null, null]);
  });

  it.each(['x=moon', 'smooth=2', 'smooth=-1', 'smooth=a', 'zoom=3~1', 'zoom=a~b', 'hide=step,nothing'])(
    'ignores %s',
    (search) => {
      expect(readCurveView(new URLSearchParams(search))).toEqual(readCurveView(new URLSearchParams()));
    },
  );
});

describe('a column of the table', () => {
  it('has the same number of decimals in each row', () => {
    expect(columnTexts([2, 1.4243, null, 0.63246])).toEqual(['2.0000', '1.4243', '', '0.6325']);
    expect(columnTexts([1, 2])).toEqual(['1', '2']);
    expect(columnTexts([0.00001, 0.5])).toEqual(['1.00e-5', '0.5']);
  });
});

describe('the newest values', () => {
  it('are those of the last step that has them', () => {
    const points = [point(1, { trainLoss: 2, validLoss: 3 }), point(2, { trainLoss: 1 })];
    expect(newestValues(points)).toEqual(point(2, { trainLoss: 1, validLoss: 3 }));
    expect(newestValues([])).toBeUndefined();
  });
});

describe('the lines of a panel', () => {
  const points = [point(1, { trainLoss: 2, fullValidLoss: 0 }), point(2, { trainLoss: 1 })];
  const [panel] = measuredPanels(points);
  const lines = (search: string) => (panel ? linesOf(panel, points, readCurveView(new URLSearchParams(search))) : []);

  it('are those that were measured', () => {
    expect(measuredPanels(points).map(({ title, metrics }) => [title, metrics.length])).toEqual([['Loss', 2]]);
    expect(lines('').map(({ values }) => values)).toEqual([
      [2, 1],
      [0, null],
    ]);
  });

  it('keep the raw curve behind the smoothed one, unless the curve is sparse', () => {
    expect(lines('smooth=0.5').map(({ label, isFaint }) => [label, isFaint])).toEqual([
      ['Training loss', true],
      ['Training loss', false],
      ['Full validation loss', false],
    ]);
    expect(lines('smooth=0.5')[0]?.values).toEqual([2, 1]);
  });

  it('have no values that a logarithmic axis cannot show', () => {
    expect(lines('log=1')[1]?.values).toEqual([null, null]);
  });

  it('are not those that the user hides', () => {
    expect(lines('hide=trainLoss').map(({ label }) => label)).toEqual(['Full validation loss']);
  });
});
