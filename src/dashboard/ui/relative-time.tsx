import { nowSeconds } from '../data/clock.ts';
import { formatAgo, formatTime } from './formats.ts';

/** The time since `at`, in seconds since 1970. Its title is the whole date. */
export function RelativeTime({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={formatTime(at)}>
      {formatAgo(nowSeconds.value - at)}
    </time>
  );
}
