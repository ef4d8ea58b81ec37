import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { moveCrosshair, shownIndexes, zoomAround } from '../../../src/dashboard/chart/crosshair.ts';
import { asCurl, asGraphql } from '../../../src/dashboard/job/as-text.ts';
import { addEvents, filterEvents, type JobEvent, prependEvents } from '../../../src/dashboard/job/event-list.ts';
import { rowsOf } from '../../../src/dashboard/job/fact-rows.ts';
import { adviceFor } from '../../../src/dashboard/job/failure-advice.ts';

const event = (id: string, createdAt: number, members: Partial<JobEvent> = {}): JobEvent => ({
  id,
  createdAt,
  level: 'INFO',
  rawLevel: 'info',
  message: id,
  ...members,
});
const idsOf = (events: readonly JobEvent[]) => events.map(({ id }) => id).join('');

describe('the list of events', () => {
  const known = [event('a', 1), event('b', 2), event('d', 4)];

  it('takes each event once, at its time', () => {
    expect(idsOf(addEvents(known, [event('c', 3), event('b', 2), event('e', 4)]))).toBe('abcde');
    expect(idsOf(addEvents(known, [event('0', 0)]))).toBe('0abd');
  });

  it('begins with older events', () => {
    expect(idsOf(prependEvents(known, [event('0', 0), event('a', 1)]))).toBe('0abd');
  });

  it('can be filtered by level and text; an unknown level is always shown', () => {
    const mixed = [
      event('info', 1),
      event('warn', 2, { level: 'WARN' }),
      event('error', 3, { level: 'ERROR' }),
      event('odd', 4, { level: 'UNKNOWN' }),
    ];
    const shown = (level: 'ALL' | 'WARN' | 'ERROR', text = '') => filterEvents(mixed, level, text).map(({ id }) => id);
    expect(shown('ALL')).toEqual(['info', 'warn', 'error', 'odd']);
    expect(shown('WARN')).toEqual(['warn', 'error', 'odd']);
    expect(shown('ERROR')).toEqual(['error', 'odd']);
    expect(shown('ALL', 'RR')).toEqual(['error']);
  });
});

describe('the keys of a chart', () => {
  const shown = { first: 10, last: 110 };

  it.each([
    ['ArrowRight', null, 10],
    ['ArrowLeft', null, 110],
    ['ArrowRight', 50, 51],
    ['ArrowLeft', 10, 10],
    ['ArrowRight', 110, 110],
    ['PageDown', 50, 60],
    ['PageUp', 50, 40],
    ['Home', 50, 10],
    ['End', 50, 110],
    ['Escape', 50, null],
    ['a', 50, undefined],
  ])('%s moves the crosshair from %s to %s', (key, from, to) => {
    expect(moveCrosshair(key, from, shown)).toBe(to);
  });

  it('stay in the zoomed part', () => {
    expect(shownIndexes([1, 2, 3, 4, 5], [1.5, 4])).toEqual({ first: 1, last: 3 });
    expect(shownIndexes([1, 2, 9], [4, 5])).toEqual({ first: 0, last: 2 });
  });

  it('zoom around the crosshair, and never beyond the curve', () => {
    expect(zoomAround([0, 100], [0, 100], 20, 0.5)).toEqual([10, 60]);
    expect(zoomAround([10, 60], [0, 100], 20, 2)).toBeNull();
    expect(zoomAround([10, 60], [0, 300], 20, 2)).toEqual([0, 100]);
  });
});

describe('the texts to copy', () => {
  const odd = `ftjob-'"$(x)\\`;

  it('is a query with the id in it', () => {
    expect(asGraphql(odd)).toContain(`fineTuningJob(id: ${JSON.stringify(odd)})`);
    expect(() => parse(asGraphql(odd))).not.toThrow();
    expect(asGraphql('$&')).toContain('(id: "$&")');
  });

  it('is a command without a token, in which the shell expands nothing but its variable', () => {
    const url = 'http://127.0.0.1:4000/graphql';
    expect(asCurl('ftjob-1', url, false)).not.toContain('Authorization');
    const command = asCurl(odd, url, true);
    expect(command).toContain(`-H "Authorization: Bearer $TOKEN"`);
    const [, quoted = ''] = /--json '(.*)'$/s.exec(command) ?? [];
    expect(JSON.parse(quoted.replaceAll(`'\\''`, "'")).variables).toEqual({ jobId: odd });
  });
});

describe('facts', () => {
  it('are the members with a value, under their words', () => {
    expect(rowsOf({ nEpochs: 3, batchSize: 'auto', beta: null, rawType: 'x', range: [0, 1], __typename: 'T' })).toEqual(
      [
        ['Epochs', '3'],
        ['Batch size', 'auto'],
        ['Type', 'x'],
        ['Range', '0, 1'],
      ],
    );
    expect(rowsOf(null)).toEqual([]);
  });

  it.each(['invalid_training_file', 'deleted_training_file', 'exceeded_quota', 'model_not_available', 'server_error'])(
    'have advice of their own for the failure %s',
    (code) => {
      expect(adviceFor(code)).not.toEqual(adviceFor(null));
    },
  );

  it.each([null, 'new_code', 'constructor', '__proto__'])('have general advice for the failure %s', (code) => {
    expect(adviceFor(code)).toBe(adviceFor(null));
    expect(adviceFor(code).todo).toMatch(/message/);
  });
});
