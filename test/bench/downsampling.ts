import { downsample } from '../../src/schema/metrics/downsampling.ts';
import { seriesOf } from '../kit/store/series.ts';
import { median } from './numbers.ts';

const ROUNDS = 50;
const WARM_UPS = 10;
const MAX_POINTS = 500;

/** A noisy curve with validation at every tenth step, and full validation at every thousandth. */
function noisySeries(length: number) {
  const column = (every: number, valueAt: (index: number) => number) =>
    Array.from({ length }, (_, index) => (index % every === 0 ? valueAt(index) : Number.NaN));
  const loss = (index: number) => 0.3 + 2 * Math.exp((-4 * index) / length) + 0.1 * Math.random();
  const accuracy = (index: number) => 1 - loss(index) / 3;
  const columns = {
    train_loss: column(1, loss),
    train_mean_token_accuracy: column(1, accuracy),
    valid_loss: column(10, loss),
    valid_mean_token_accuracy: column(10, accuracy),
    full_valid_loss: column(1000, loss),
    full_valid_mean_token_accuracy: column(1000, accuracy),
  };
  return seriesOf(columns, length);
}

function cpuMs(act: () => unknown): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

for (const length of [100_000, 5_000]) {
  const series = noisySeries(length);
  const figures = Array.from({ length: WARM_UPS + ROUNDS }, () => cpuMs(() => downsample(series, MAX_POINTS)));
  const [first = Number.NaN] = figures;
  const typical = median(figures.slice(WARM_UPS));
  process.stdout.write(
    `${length} points to ${MAX_POINTS}: ${typical.toFixed(2)} ms of CPU (median of ${ROUNDS}), ${first.toFixed(2)} ms the first time\n`,
  );
}
