import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seriesOfEvents, stepReportOf } from '../../../../src/upstream/metrics/event-metrics.ts';
import { METRICS } from '../../../../src/upstream/metrics/metrics.ts';
import { readEvent } from '../../../../src/upstream/resources/event.ts';
import { eventBody, stepBody } from '../../../kit/bodies/event.ts';

const event = (data: unknown, members: Record<string, unknown> = {}) =>
  readEvent(eventBody('ftevent-1', { data, ...members }));
const step = (number: number, data: Record<string, unknown> = {}) => readEvent(stepBody(number, 100, data));
/** The series of events, passed oldest first. */
const series = (events: ReturnType<typeof event>[], isComplete = true) =>
  seriesOfEvents(events.toReversed(), isComplete);

describe('stepReportOf', () => {
  it.each([
    ['an empty object', {}],
    ['null', null],
    ['absent', undefined],
    ['a string', 'step'],
    ['a list', [1, 2]],
    ['an object whose step is a string', { step: 'last' }],
    ['an object whose step exceeds 32 bits', { step: 2 ** 31 }],
    ['an object whose step is negative', { step: -5 }],
    ['an object whose step is a negative text', { step: '-5' }],
  ])('is null for an event whose data is %s', (_, data) => expect(stepReportOf(event(data))).toBeNull());

  it('returns the step, the total and the time of an event of any type', () => {
    const data = { step: 5, total_steps: 100 };
    const expected = { step: 5, totalSteps: 100, createdAt: 1_760_000_000 };
    expect(stepReportOf(event(data, { type: 'metrics' }))).toEqual(expected);
    expect(stepReportOf(event(data, { type: 'message' }))).toEqual(expected);
  });

  it.each([
    ['absent, as on Azure', undefined],
    ['null', null],
    ['a string', 'many'],
  ])('has no total when that is %s', (_, total) => {
    expect(stepReportOf(event({ step: 5, total_steps: total }))).toMatchObject({ step: 5, totalSteps: null });
  });

  it('truncates steps with fractions, such as 100.0', () => {
    expect(stepReportOf(event({ step: 7.9, total_steps: 100.0 }))).toMatchObject({ step: 7, totalSteps: 100 });
  });
});

describe('seriesOfEvents', () => {
  it('has a point for each metrics event, and none for other events', () => {
    const curve = series([event({}), step(1), event(null), step(2), step(3), event({})]);
    expect([...curve.steps]).toEqual([1, 2, 3]);
    expect(curve.length).toBe(3);
  });

  it('sorts by step, as events of one second have no order, and keeps the order of equal steps', () => {
    const curve = series([step(2), step(1), step(3, { valid_loss: 1 }), step(3, { valid_loss: 2 })]);
    expect([...curve.steps]).toEqual([1, 2, 3, 3]);
    expect([...(curve.columns.valid_loss ?? [])].slice(2)).toEqual([1, 2]);
  });

  it('has a column for each metric with a value, with NaN at points without one', () => {
    const curve = series([step(1), step(2, { valid_loss: 0.5 }), step(3, { valid_loss: 'none' })]);
    expect(Object.keys(curve.columns).sort()).toEqual(['train_loss', 'train_mean_token_accuracy', 'valid_loss']);
    expect([...(curve.columns.valid_loss ?? [])]).toEqual([Number.NaN, 0.5, Number.NaN]);
  });

  it('has the time and all data of each point', () => {
    const nested = { step: 1, train_mean_reward: 0.4, scores: { graders: [{ name: 'a' }] } };
    const curve = series([event(nested, { created_at: 7 })]);
    expect(curve.createdAt(0)).toBe(7);
    expect(curve.data(0)).toEqual(nested);
    expect([curve.createdAt(1), curve.data(1)]).toEqual([null, null]);
  });

  it('is complete when it has all events', () => {
    expect(series([step(1)], true).isComplete).toBe(true);
    expect(series([step(1)], false).isComplete).toBe(false);
    expect(series([])).toMatchObject({ length: 0, columns: {}, isComplete: true });
  });

  it('has columns as long as its steps, for events of any data: property', () => {
    const metric = fc.oneof(fc.double({ noNaN: true }), fc.constant(null), fc.string());
    const data = fc.record(
      { step: fc.oneof(fc.nat(20), fc.string()), ...Object.fromEntries(METRICS.map((name) => [name, metric])) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(data, fc.jsonValue()), { maxLength: 30, size: 'max' }), (datas) => {
        const events = datas.map((data) => event(data));
        const curve = series(events);
        expect(curve.length).toBe(events.filter((event) => stepReportOf(event)).length);
        expect([...curve.steps]).toEqual([...curve.steps].sort((a, b) => a - b));
        for (const column of [curve.steps, ...Object.values(curve.columns)]) expect(column).toHaveLength(curve.length);
      }),
    );
  });

  it('drops an infinite value', () => {
    const events = [stepBody(2, 2, { train_loss: 1.5 }), stepBody(1, 2, { train_loss: Number.POSITIVE_INFINITY })].map(
      readEvent,
    );
    const { columns } = seriesOfEvents(events, true);
    expect([...(columns.train_loss ?? [])]).toEqual([Number.NaN, 1.5]);
  });
});
