import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDate, readTime } from '../../../../src/upstream/json/time.ts';

/** 2024-07-23T20:00:00Z. */
const TIME = 1_721_764_800;

describe('readTime', () => {
  it.each([
    ['seconds', TIME],
    ['seconds with a fraction', TIME + 0.73],
    ['seconds as text', '1721764800'],
    ['seconds with an exponent, as text', '1.7217648e9'],
    ['seconds as text with spaces', ' 1721764800 '],
    ['milliseconds', TIME * 1000 + 999],
    ['milliseconds as text', '1721764800123'],
    ['ISO 8601', '2024-07-23T20:00:00Z'],
    ['ISO 8601 in lower case', '2024-07-23t20:00:00z'],
    ['ISO 8601 with milliseconds', '2024-07-23T20:00:00.999Z'],
    ['ISO 8601 with nanoseconds', '2024-07-23T20:00:00.123456789Z'],
    ['ISO 8601 with a decimal comma', '2024-07-23T20:00:00,5Z'],
    ['ISO 8601 without a zone', '2024-07-23T20:00:00'],
    ['ISO 8601 without a zone, with microseconds', '2024-07-23T20:00:00.123456'],
    ['ISO 8601 without seconds', '2024-07-23T20:00Z'],
    ['ISO 8601 with an offset', '2024-07-23T22:00:00+02:00'],
    ['ISO 8601 with an offset without a colon', '2024-07-24T01:30:00+0530'],
    ['ISO 8601 with an offset in hours', '2024-07-23T13:00:00-07'],
    ['a space in place of T, as Python writes it', '2024-07-23 20:00:00.123456+00:00'],
    ['a space before the zone, as Ruby writes it', '2024-07-23 22:00:00 +0200'],
    ['a space before UTC', '2024-07-23 20:00:00 UTC'],
  ])('reads %s', (_, value) => expect(readTime(value)).toBe(TIME));

  it.each([
    [0, 0],
    [1, 1],
    [99_999_999_999, 99_999_999_999],
    [1e12, 1e9],
    [9_999_999_999_999, 9_999_999_999],
    ['100000000', 100_000_000],
    ['2026073319', 2_026_073_319], // There is no day 33.
    [2_026_072_319, 2_026_072_319],
    ['2024-07-23', TIME - 20 * 3600],
    ['2024-02-29T00:00:00Z', 1_709_164_800],
    ['9999-12-31T23:59:59Z', 253_402_300_799],
    ['1970-01-01T01:00:00+01:00', 0],
  ])('reads %j as %d', (value, time) => expect(readTime(value)).toBe(time));

  it.each([
    ['between seconds and milliseconds', 1e11],
    ['above milliseconds', 1e13],
    ['in microseconds', TIME * 1e6],
    ['beyond 2^53', 2 ** 53],
    ['negative', -1],
    ['infinite', Number.POSITIVE_INFINITY],
    ['a year', '2024'],
    ['a date without hyphens', '20240723'],
    ['a date and an hour without hyphens', '2026072319'],
    ['a date and a time without hyphens', '20240723200000'],
    ['the same as a number', 20_240_723_200_000],
    ['0 as text', '0'],
    ['empty', ''],
    ['a word', 'yesterday'],
    ['hexadecimal', '0x66A00B80'],
    ['with other characters', '1721764800s'],
    ['a month that does not exist', '2024-13-01T00:00:00Z'],
    ['a day that does not exist', '2023-02-29T00:00:00Z'],
    ['hour 24', '2024-07-23T24:00:00Z'],
    ['an offset that does not exist', '2024-07-23T20:00:00+99:00'],
    ['in an unknown zone', '2024-07-23T20:00:00 EST'],
    ['with a fraction of a minute', '2024-07-23T20:00.5Z'],
    ['in another order', '23/07/2024'],
    ['before 1970', '1969-12-31T23:59:59Z'],
    ['the zero of Go', '0001-01-01T00:00:00Z'],
    ['in year 99', '0099-07-23T20:00:00Z'],
    ['a boolean', true],
    ['null', null],
    ['absent', undefined],
    ['a list', [TIME]],
    ['an object', { seconds: TIME }],
  ])('is null for a value that is %s', (_, value) => expect(readTime(value)).toBeNull());

  it('reads any spelling of a time as its second: property', () => {
    const pad = (value: number) => String(value).padStart(2, '0');
    const seconds = fc.integer({ min: 1_000_000_000, max: 9_999_999_999 }); // 2001 to 2286.
    const zone = fc.integer({ min: -14 * 60, max: 14 * 60 });
    fc.assert(
      fc.property(seconds, fc.nat(999), zone, fc.constantFrom('T', ' '), (time, ms, offset, separator) => {
        const total = time * 1000 + ms;
        const local = new Date(total + offset * 60_000).toISOString().slice(0, -1).replace('T', separator);
        const [sign, minutes] = [offset < 0 ? '-' : '+', Math.abs(offset)];
        const suffix = `${sign}${pad(Math.trunc(minutes / 60))}:${pad(minutes % 60)}`;
        const utc = new Date(total).toISOString();
        const spellings = [time, total, time + ms / 1000, utc, utc.slice(0, -1), local + suffix];
        for (const spelling of spellings) expect(readTime(spelling)).toBe(time);
        for (const text of spellings.map(String)) {
          if (!/^20\d{8}$/.test(text)) expect(readTime(text)).toBe(time); // It can be a date with an hour.
        }
      }),
    );
  });

  it('is null or a whole number of seconds that is not negative, for any JSON: property', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789-:TZ.+ ') });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.double(), digits), (value) => {
        const time = readTime(value);
        expect(time === null || (Number.isSafeInteger(time) && time >= 0)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('readDate', () => {
  it.each([
    ['2026-10-23', '2026-10-23'],
    ['2026-10-23T23:30:00-01:00', '2026-10-24'],
    [TIME, '2024-07-23'],
    [String(TIME), '2024-07-23'],
  ])('returns the UTC date of %j', (value, date) => expect(readDate(value)).toBe(date));

  it.each([0, '', 'soon', '2026-02-30', null, undefined, {}])('is null for %j', (value) =>
    expect(readDate(value)).toBeNull(),
  );
});
