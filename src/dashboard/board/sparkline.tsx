import { formatMetric } from '../ui/formats.ts';
import type { Curve } from './curve.ts';
import { curveOf } from './curve-store.ts';
import { sparklinePaths } from './sparkline-path.ts';

const WIDTH = 96;
const HEIGHT = 24;
const MARGIN = 2;

const WORDS: Readonly<Record<Curve['metric'], { name: string; best: string; bestInWords: string }>> = {
  loss: { name: 'Training loss', best: 'min', bestInWords: 'minimum' },
  reward: { name: 'Training reward', best: 'max', bestInWords: 'maximum' },
};

/** The training loss or reward of a job as a small curve, with its last and its best value. */
export function Sparkline({ jobId }: { jobId: string }) {
  const curve = curveOf(jobId).value;
  if (curve === null) return <span class="quiet none">–</span>;
  const { metric, points } = curve;
  const { name, best, bestInWords } = WORDS[metric];
  const [lastText, bestText] = [formatMetric(curve.last), formatMetric(curve.best)];
  const words = `${name}: last ${lastText}, ${bestInWords} ${bestText}`;
  const paths = sparklinePaths(points, WIDTH, HEIGHT);
  return (
    <span class="curve" data-metric={metric} title={words}>
      <svg
        class="sparkline"
        viewBox={`${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${HEIGHT + 2 * MARGIN}`}
        width={WIDTH + 2 * MARGIN}
        height={HEIGHT + 2 * MARGIN}
        aria-hidden="true"
      >
        <path d={paths.curve} />
        <path class="sparkline-end" d={paths.end} />
      </svg>
      <span class="curve-values" aria-hidden="true">
        <span>
          <span class="quiet">{metric}</span> {lastText}
        </span>
        <span class="quiet">
          {best} {bestText}
        </span>
      </span>
      <span class="visually-hidden">{words}</span>
    </span>
  );
}
