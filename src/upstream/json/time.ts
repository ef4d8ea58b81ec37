import { readNumber } from './number.ts';

// Servers send times as seconds, as milliseconds, as text of either, and in ISO 8601 (docs/upstream.md: Times and numbers).
// No plausible time is within two of these ranges. A number between them is no time.
const SECONDS_END = 1e11; // The year 5138.
const [MILLISECONDS_START, MILLISECONDS_END] = [1e12, 1e13]; // From September 2001 to 2286.

/** Shorter digits in a text can be a year or a date, such as `"20260723"`. */
const MIN_SECONDS_IN_TEXT = 1e8;

/** YYYYMMDDHH, such as `2026072319`: as seconds these are times from 2033 to 2036. */
const DATE_WITH_HOUR = /^20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])$/;

// ISO 8601 in its extended format: a date, or a date with hours and minutes, optional seconds with a fraction, and a zone.
const ISO =
  /^(\d{4}-\d\d-\d\d)(?:[tT ](\d\d:\d\d)(?:(:\d\d)(?:[.,]\d+)?)?(?: ?([zZ]|UTC|GMT|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?))?)?$/;

/** Returns a time in whole seconds since the epoch, without its fraction. Null for a value that is no time or is ambiguous. */
export function readTime(value: unknown): number | null {
  if (typeof value === 'number') return secondsOf(value);
  if (typeof value !== 'string') return null;
  const text = value.trim();
  const number = readNumber(text);
  if (number === null) return parseIso(text);
  return number < MIN_SECONDS_IN_TEXT || DATE_WITH_HOUR.test(text) ? null : secondsOf(number);
}

/** Returns the calendar date in UTC of a time, as YYYY-MM-DD. Null for a value that is no time, and for 0. */
export function readDate(value: unknown): string | null {
  const seconds = readTime(value);
  return seconds ? new Date(seconds * 1000).toISOString().slice(0, 'YYYY-MM-DD'.length) : null;
}

function secondsOf(number: number): number | null {
  if (number >= 0 && number < SECONDS_END) return Math.trunc(number);
  return number >= MILLISECONDS_START && number < MILLISECONDS_END ? Math.trunc(number / 1000) : null;
}

/** Without a zone the text is in UTC. A date is the start of its day. */
function parseIso(text: string): number | null {
  const [, date, hoursAndMinutes = '00:00', seconds = ':00', zone = 'Z'] = ISO.exec(text) ?? [];
  const time = `${date}T${hoursAndMinutes}${seconds}`;
  const ms = Date.parse(`${time}Z`);
  // Date.parse reads 30 February as 2 March.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(time)) return null;
  const secondsSinceEpoch = ms / 1000 - offsetOf(zone);
  return secondsSinceEpoch < 0 ? null : secondsSinceEpoch;
}

/** The offset of a zone from UTC in seconds: 19,800 for `+05:30`. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes = 0] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (hours === undefined) return 0;
  return (sign === '-' ? -60 : 60) * (60 * Number(hours) + Number(minutes));
}
