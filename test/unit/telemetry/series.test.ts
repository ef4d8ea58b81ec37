import { expect, it } from 'vitest';
import { Tally } from '../../../src/telemetry/metrics/series.ts';

it('counts label values beyond 2000 series in one more series', () => {
  const tally = new Tally('finetune.upstream.retries');
  for (let count = 0; count < 3000; count++) tally.add(1, `/route/${count}`, 'UPSTREAM_TIMEOUT');
  const counts = [...tally.counts()];
  expect(counts).toHaveLength(2001);
  expect(counts.at(-1)).toEqual({ value: 1000, attributes: { 'url.template': 'other', 'error.type': 'other' } });
});
