import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';

/** The time over which many streams are ended. */
const STREAMS_SECONDS = 3;

it.each([
  ['deploy/kubernetes/deployment.yaml', /terminationGracePeriodSeconds: (\d+)/, 15_000],
  ['deploy/compose.yaml', /stop_grace_period: (\d+)s/, 0],
  ['deploy/compose.fleet.yaml', /stop_grace_period: (\d+)s/, 10_000],
  ['docs/deploy.md', /TimeoutStopSec=(\d+)/, 15_000],
])('%s lets a stopping gateway end its requests before it is killed', (file, grace, drainMs) => {
  const text = readFileSync(file, 'utf8');
  const settingOf = (name: string) => Number(new RegExp(`${name}(?:, value)?[:=] ?"?(\\d+)`).exec(text)?.[1] ?? 0);
  expect(settingOf('DRAIN_DELAY_MS') + settingOf('IDLE_DRAIN_MS')).toBe(drainMs);
  const { timeoutMs } = readConfig({}).shutdown;
  expect(Number(grace.exec(text)?.[1])).toBeGreaterThan(drainMs / 1000 + STREAMS_SECONDS + timeoutMs / 1000);
});
