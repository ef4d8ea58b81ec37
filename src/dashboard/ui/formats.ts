const NUMBER = new Intl.NumberFormat('en');
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const CLOCK = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

export const formatNumber = (value: number): string => NUMBER.format(value);

/** A metric with four significant digits, such as `0.1234`. */
export function formatMetric(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size < 0.001 || size >= 1_000_000 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** A duration by its two largest units, such as `1 h 5 min`. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([, size]) => rest >= size);
  if (first < 0) return '0 s';
  const parts: string[] = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}

/** A duration by its largest unit, such as `5 min`. */
export function formatRoughly(seconds: number): string {
  const [unit, size] = UNITS.find(([, unitSize]) => seconds >= unitSize) ?? ['s', 1];
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

/** Time since then, by its largest unit, such as `5 min ago`. */
export const formatAgo = (seconds: number): string => (seconds < 1 ? 'now' : `${formatRoughly(seconds)} ago`);

/** A date and time in the time zone of the browser. `seconds` since 1970. */
export const formatTime = (seconds: number): string => DATE.format(seconds * 1000);

/** A time of day in the time zone of the browser, such as `22:40:10`. `seconds` since 1970. */
export const formatClock = (seconds: number): string => CLOCK.format(seconds * 1000);
