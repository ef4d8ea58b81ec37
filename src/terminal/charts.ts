/** A bar of `width` columns, filled up to the fraction, from 0 to 1. Empty when the fraction is unknown. */
export function bar(fraction: number | null, width: number): string {
  const filled = Math.floor(Math.min(1, Math.max(0, fraction ?? 0)) * width); // Full only at 1.
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

const BLOCKS = [...'▁▂▃▄▅▆▇█'];

/** The values as blocks, scaled from the lowest to the highest. More than `width` values are averaged in groups of neighbors. */
export function sparkline(values: readonly number[], width: number): string {
  const count = Math.min(width, values.length);
  const means = Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index * values.length) / count);
    const group = values.slice(start, Math.floor(((index + 1) * values.length) / count));
    return group.reduce((sum, value) => sum + value / group.length, 0);
  });
  const lowest = Math.min(...means);
  const range = Math.max(...means) - lowest;
  const top = BLOCKS.length - 1;
  return means.map((mean) => BLOCKS[range === 0 ? 0 : Math.round(((mean - lowest) / range) * top)]).join('');
}

/** A duration in its two largest units: `9s`, `3m 20s`, `2h 5m`, `4d 1h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
}

/** A number in at most 7 columns, with up to four significant digits. */
export function figure(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const text = value.toPrecision(4);
  if (!text.includes('e') && text.length <= 7) return text;
  const [integer, exponential] = [value.toFixed(0), value.toExponential(0)];
  return Math.abs(value) >= 1 && integer.length <= 7 ? integer : exponential;
}
