import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';

/** The time over which many streams are ended. */
const STREAMS_SECONDS = 3;

it.each([
  ['deploy/kubernetes/deployment.yaml', /terminationGracePeriodSeconds: (\d+)/, /DRAIN_DELAY_MS, value: "(\d+)"/],
  ['deploy/compose.yaml', /stop_grace_period: (\d+)s/, /DRAIN_DELAY_MS: "(\d+)"/],
  ['docs/deploy.md', /TimeoutStopSec=(\d+)/, /DRAIN_DELAY_MS=(\d+)/],
])('%s lets a stopping gateway end its requests before it is killed', (file, grace, drainDelay) => {
  const text = readFileSync(file, 'utf8');
  const drainDelayMs = Number(drainDelay.exec(text)?.[1] ?? 0);
  const { timeoutMs } = readConfig({}).shutdown;
  expect(Number(grace.exec(text)?.[1])).toBeGreaterThan(drainDelayMs / 1000 + STREAMS_SECONDS + timeoutMs / 1000);
});
