import type { Clock } from '../../clock.ts';
import { listen } from '../event-channel.ts';
import * as events from '../events.ts';
import type { HistogramName, ObservedName } from './catalogue.ts';
import { recordFleet } from './fleet-recorder.ts';
import { type CreateDurations, type CreateTally, Durations, Tally } from './series.ts';

/** Metrics that the recorder counts. */
export interface Recorder {
  readonly tallies: readonly Tally[];
  readonly histograms: readonly Durations[];
  /** Stops to listen. */
  dispose(): void;
}

/** Records the events of the gateway. */
export function createRecorder(clock: Clock): Recorder {
  const tallies: Tally[] = [];
  const histograms: Durations[] = [];
  const tally = (name: ObservedName) => {
    const created = new Tally(name);
    tallies.push(created);
    return created;
  };
  const durations = (name: HistogramName) => {
    const created = new Durations(name);
    histograms.push(created);
    return created;
  };
  const stops = [
    ...recordRequests(tally, durations),
    ...recordUpstream(tally, durations),
    ...recordStreams(tally, durations, clock),
    ...recordChanges(tally),
    ...recordFleet(tally, durations),
  ];
  return {
    tallies,
    histograms,
    dispose() {
      for (const stop of stops) stop();
    },
  };
}

function recordRequests(tally: CreateTally, durations: CreateDurations) {
  const requests = durations('http.server.request.duration');
  const operations = tally('finetune.operations');
  const reads = tally('finetune.cache.reads');
  const refusals = tally('finetune.limit.refusals');
  return [
    listen(events.requestEnded, ({ method = '_OTHER', route, status, seconds }) =>
      requests.record(seconds, method, route, status ?? ''),
    ),
    listen(events.operationEnded, ({ type, name, isTrusted, errorCode = 'ok' }) =>
      operations.add(1, type, (isTrusted && name) || 'other', errorCode),
    ),
    listen(events.cacheRead, ({ kind, outcome }) => reads.add(1, kind, outcome)),
    listen(events.limitReached, ({ limit }) => refusals.add(1, limit)),
  ];
}

function recordUpstream(tally: CreateTally, durations: CreateDurations) {
  const calls = durations('http.client.request.duration');
  const waits = durations('finetune.upstream.queue.duration');
  const retries = tally('finetune.upstream.retries');
  const breakers = tally('finetune.upstream.breakers');
  const transitions = tally('finetune.upstream.breaker.transitions');
  const refusals = tally('finetune.upstream.credential.refusals');
  // Alerts need these series before the first event.
  for (const state of ['open', 'half_open']) breakers.add(0, state);
  transitions.add(0, 'open');
  refusals.add(0);
  return [
    listen(events.callEnded, ({ method, route, status, errorCode = '', cause, seconds }) =>
      calls.record(seconds, method, route, status ?? '', errorCode, cause),
    ),
    listen(events.callQueued, ({ outcome, seconds }) => waits.record(seconds, outcome)),
    listen(events.callRetried, ({ route, errorCode }) => retries.add(1, route, errorCode)),
    listen(events.breakerChanged, ({ from, to }) => {
      if (from !== 'closed') breakers.add(-1, from);
      if (to !== 'closed') breakers.add(1, to);
      transitions.add(1, to);
    }),
    listen(events.credentialRefused, () => refusals.add(1)),
  ];
}

function recordStreams(tally: CreateTally, durations: CreateDurations, clock: Clock) {
  const lags = durations('finetune.poll.lag');
  const delays = durations('finetune.delivery.delay');
  const failures = tally('finetune.poll.failures');
  const open = tally('finetune.streams');
  const started = tally('finetune.streams.started');
  const ended = tally('finetune.streams.ended');
  const deliveries = tally('finetune.deliveries');
  const conflated = tally('finetune.conflated');
  return [
    listen(events.pollStarted, ({ kind, lagSeconds }) => lags.record(lagSeconds, kind)),
    listen(events.pollFailed, ({ kind, outcome }) => failures.add(1, kind, outcome)),
    listen(events.streamStarted, ({ transport }) => {
      open.add(1, transport);
      started.add(1, transport);
    }),
    listen(events.streamEnded, ({ transport, reason }) => {
      open.add(-1, transport);
      ended.add(1, transport, reason);
    }),
    listen(events.resultDelivered, ({ transport, observedAt }) => {
      deliveries.add(1, transport);
      if (observedAt !== undefined) delays.record(Math.max(0, clock.now() - observedAt) / 1000);
    }),
    listen(events.stateConflated, () => conflated.add(1)),
  ];
}

function recordChanges(tally: CreateTally) {
  const mutations = tally('finetune.mutations');
  const replays = tally('finetune.idempotent_replays');
  const webhooks = tally('finetune.webhooks');
  const uploads = tally('finetune.uploads');
  const bytes = tally('finetune.upload.bytes');
  const issues = tally('finetune.upload.issues');
  return [
    listen(events.mutationEnded, ({ mutation, outcome }) => mutations.add(1, mutation, outcome)),
    listen(events.createReplayed, () => replays.add(1)),
    listen(events.webhookReceived, ({ outcome }) => webhooks.add(1, outcome)),
    listen(events.uploadEnded, ({ outcome, errors, warnings, ...upload }) => {
      uploads.add(1, outcome);
      bytes.add(upload.bytes);
      issues.add(errors, 'error');
      issues.add(warnings, 'warning');
    }),
  ];
}
