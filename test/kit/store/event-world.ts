import { setImmediate } from 'node:timers/promises';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { stateOf } from '../../../src/schema/core/job-status.ts';
import { createStore } from '../../../src/store/store.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import type { JobEvent } from '../../../src/upstream/resources/event.ts';
import type { Page } from '../../../src/upstream/resources/page.ts';
import { type Added, requireReadable } from '../../../src/watch/streams/event-stream.ts';
import type { EventStart } from '../../../src/watch/streams/log-reader.ts';
import { createWatcher } from '../../../src/watch/watcher.ts';
import { createTestClock } from '../clock.ts';
import { rethrow } from '../rethrow.ts';
import { accessOf, SUBSCRIBER } from './access.ts';
import { createLinearUpstream } from './linear-upstream.ts';
import { createTrueLog } from './true-log.ts';

export const JOB_ID = 'ftjob-a';
export const FINAL = { message: 'The job has successfully completed' };
const access = accessOf({ apiKey: 'events' });

export interface Limits {
  readonly activeMs: number;
  readonly settledMs: number;
  readonly maxBytes: number;
}
export const LARGE_CACHE: Limits = { activeMs: 1000, settledMs: 300_000, maxBytes: 50_000_000 };

/** A reader and the ids of the events that it has received. */
export interface Reader {
  readonly received: string[];
  isDone: boolean;
  error: Error | undefined;
  /** Reads one event once there is one. */
  read(): void;
  close(): Promise<unknown>;
}

/** A job with an event log. The upstream responds at once, or fails while `isDown`. */
export function createEventWorld(limits: Limits) {
  const clock = createTestClock();
  const log = createTrueLog();
  const linear = createLinearUpstream(clock);
  linear.put(JOB_ID, 'running');
  const calls: string[] = [];
  const state = { isDown: false, changePage: (page: Page<JobEvent>) => page };
  const upstream: typeof linear.upstream = {
    ...linear.upstream,
    events: {
      async list(_jobId, request) {
        calls.push(request.after ?? 'head');
        await null;
        if (state.isDown) throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'down');
        return state.changePage(log.page(request));
      },
    },
  };
  const store = createStore({ upstream, clock, ...limits, memoryCache: createMemoryCache(limits.maxBytes) });
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 2000, onListenerError: rethrow });

  function open(start: EventStart): Reader {
    const events = watcher.feeds(access, SUBSCRIBER).events(JOB_ID, start)[Symbol.asyncIterator]();
    let isReading = false;
    const reader: Reader = {
      received: [],
      isDone: false,
      error: undefined,
      read() {
        if (isReading || reader.isDone) return;
        isReading = true;
        const onResult = ({ done, value }: IteratorResult<Added<JobEvent>>) => {
          isReading = false;
          if (done) reader.isDone = true;
          else reader.received.push(requireReadable(value).value.id);
        };
        events.next().then(onResult, (error) => {
          reader.isDone = true;
          reader.error = error;
        });
      },
      close: () => events.return?.() ?? Promise.resolve(),
    };
    return reader;
  }

  /** Responds to all pending calls. */
  async function settle() {
    await setImmediate();
    for (const call of [...linear.pending]) call.respond();
    await setImmediate();
  }

  /** Advances the clock second by second; each reader reads all events there are. */
  async function advance(ms: number, readers: readonly Reader[] = []) {
    await settle();
    for (let remaining = ms; remaining > 0; remaining -= 1000) {
      clock.advance(1000);
      await settle();
      for (let before = -1; before !== countReceived(readers); ) {
        before = countReceived(readers);
        for (const reader of readers) reader.read();
        await settle();
      }
    }
  }
  return { clock, log, store, access, linear, calls, state, watcher, open, settle, advance };
}

const countReceived = (readers: readonly Reader[]) => readers.reduce((sum, { received }) => sum + received.length, 0);
/** Ids of all events, oldest first. */
export const idsOf = ({ log }: ReturnType<typeof createEventWorld>) => log.items.map(({ id }) => id ?? '').reverse();
