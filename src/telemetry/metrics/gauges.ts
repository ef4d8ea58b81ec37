import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter, Observable, ObservableResult } from '@opentelemetry/api';
import { CATALOGUE, type ObservedName } from './catalogue.ts';
import type { Tally } from './series.ts';

/** The load of the gateway, read when metrics are collected. */
export interface ObservedLoad {
  /** Estimated size of all cached values: resources, responses and parsed documents. */
  readonly cachedBytes: number;
  /** Subscription groups: equal subscriptions share one. */
  readonly groups: number;
  /** Jobs and event logs that are polled for subscribers. */
  readonly watched: number;
  /** Undefined without a fleet. */
  readonly fleet: { readonly isAvailable: boolean; readonly replicas: number } | undefined;
}

const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;
const DELAY_RESOLUTION_MS = 20;

/** Observes the tallies, the load, the limits and the process at each collection. Returns the function that stops it. */
export function observe(
  meter: Meter,
  tallies: readonly Tally[],
  loadOf: () => ObservedLoad,
  limits: Readonly<Record<string, number>>,
): () => void {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const observers: [Observable, (result: ObservableResult) => void][] = tallies.map((tally) => [
    instrumentOf(meter, tally.name as ObservedName),
    (result) => {
      for (const { value, attributes } of tally.counts()) result.observe(value, attributes);
    },
  ]);
  const gauge = (name: ObservedName, read: () => number) => {
    observers.push([instrumentOf(meter, name), (result) => result.observe(read())]);
  };
  gauge('finetune.cache.size', () => loadOf().cachedBytes);
  gauge('finetune.watched', () => loadOf().watched);
  gauge('finetune.subscription.groups', () => loadOf().groups);
  if (loadOf().fleet !== undefined) {
    gauge('finetune.fleet.available', () => (loadOf().fleet?.isAvailable === true ? 1 : 0));
    gauge('finetune.fleet.replicas', () => loadOf().fleet?.replicas ?? 0);
  }
  // Node measures from one timer to the next: without a delay, it is the resolution.
  const secondsOf = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS - DELAY_RESOLUTION_MS / 1000);
  gauge('nodejs.eventloop.delay.p50', () => secondsOf(delay.percentile(50)));
  gauge('nodejs.eventloop.delay.p99', () => secondsOf(delay.percentile(99)));
  gauge('nodejs.eventloop.delay.max', () => {
    const { max } = delay;
    delay.reset(); // Read last.
    return secondsOf(max);
  });
  gauge('process.memory.usage', () => process.memoryUsage.rss());
  gauge('v8js.memory.heap.used', () => process.memoryUsage().heapUsed);
  gauge('process.uptime', () => process.uptime());
  observers.push([instrumentOf(meter, 'process.cpu.time'), observeCpu]);
  observers.push([instrumentOf(meter, 'finetune.limit'), (result) => observeLimits(result, limits)]);
  for (const [instrument, callback] of observers) instrument.addCallback(callback);
  return () => delay.disable();
}

function instrumentOf(meter: Meter, name: ObservedName): Observable {
  const { kind, unit, help: description } = CATALOGUE[name];
  return kind === 'gauge'
    ? meter.createObservableGauge(name, { unit, description })
    : meter.createObservableCounter(name, { unit, description });
}

function observeCpu(result: ObservableResult): void {
  const { user, system } = process.cpuUsage();
  result.observe(user / MICROSECONDS, { 'cpu.mode': 'user' });
  result.observe(system / MICROSECONDS, { 'cpu.mode': 'system' });
}

function observeLimits(result: ObservableResult, limits: Readonly<Record<string, number>>): void {
  for (const [setting, value] of Object.entries(limits)) {
    if (Number.isFinite(value)) result.observe(value, { 'finetune.setting': setting });
  }
}
