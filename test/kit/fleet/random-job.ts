import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventBody } from '../bodies/event.ts';
import { jobBody } from '../bodies/job.ts';
import { type ScriptedUpstream, writeResponse } from '../gateway/upstream.ts';
import { follow } from './follow.ts';

/** A job that changes at random, with its subscribers. */
export interface RandomJob {
  readonly id: string;
  readonly body: { readonly id: string };
  /** Changes it until the signal. */
  change(signal: AbortSignal): Promise<void>;
  /** Changes it for the last time. Resolves when all subscribers have everything. */
  finish(): Promise<void>;
  /** What subscribers have seen that they should not. */
  problems(): readonly string[];
}

export interface RandomJobOptions {
  readonly upstream: ScriptedUpstream;
  readonly urls: readonly string[];
  readonly id: string;
  readonly key: string;
  readonly random: (below: number) => number;
  /** Ends all subscriptions. */
  readonly closed: AbortSignal;
}

interface StateResult {
  readonly data?: { readonly fineTuningJobStatusChanged?: { readonly job: { readonly trainedTokens: number } } };
}
interface EventResult {
  readonly data?: { readonly fineTuningJobEventAdded?: { readonly event: { readonly id: string } } };
}

const MAX_PAUSE_MS = 1500;
const MAX_LATENCY_MS = 1000;
/** One of so many events is the last one of a connection. */
const EVENTS_PER_CONNECTION = 6;

/** The states have a subscriber on each replica; the events have one that goes from replica to replica. */
export function startRandomJob({ upstream, urls, id, key, random, closed }: RandomJobOptions): RandomJob {
  const headers = { authorization: `Bearer ${key}` };
  const events: { readonly id: string }[] = []; // Newest first.
  const seenStates: number[][] = []; // By connection.
  const seenEvents: string[] = [];
  const errors: unknown[] = [];
  let state = 0;
  let body = jobBody({ id });

  /** The number of the state is in a member, so that equal statuses are told apart. */
  function set(status: string): void {
    for (let count = random(3); count >= 0; count--) events.unshift(eventBody(`${id}-event-${events.length}`));
    body = jobBody({ id, status, trained_tokens: ++state });
    upstream.onEvents(id, events);
  }

  /** Answers late at random, with the state at the time of the request. */
  function serve(_: unknown, response: ServerResponse): void {
    const [now, isSlow] = [body, random(4) === 0];
    setTimeout(() => writeResponse(response, 200, now), isSlow ? random(MAX_LATENCY_MS) : 0);
  }

  function followStates(url: string): Promise<void> {
    const query = `subscription { fineTuningJobStatusChanged(jobId: "${id}") { status job { trainedTokens } } }`;
    let seen: number[] = [];
    const onResult = (result: unknown) => {
      const { data } = result as StateResult; // By the query.
      if (data?.fineTuningJobStatusChanged) seen.push(data.fineTuningJobStatusChanged.job.trainedTokens);
      else errors.push(result);
      return false;
    };
    const onConnected = () => {
      seen = [];
      seenStates.push(seen);
    };
    return follow({ nextUrl: () => url, query: () => query, onConnected, onResult }, headers, closed);
  }

  function followEvents(): Promise<void> {
    const select = '{ event { id } }';
    return follow(
      {
        nextUrl: () => urls[random(urls.length)] ?? '',
        query() {
          const since = seenEvents.at(-1);
          const start = since === undefined ? 'fromStart: true' : `since: "${since}"`;
          return `subscription { fineTuningJobEventAdded(jobId: "${id}", ${start}) ${select} }`;
        },
        onConnected() {},
        onResult(result) {
          const { data } = result as EventResult; // By the query.
          if (data?.fineTuningJobEventAdded) seenEvents.push(data.fineTuningJobEventAdded.event.id);
          else errors.push(result);
          return random(EVENTS_PER_CONNECTION) === 0;
        },
      },
      headers,
      closed,
    );
  }

  upstream.on(`/fine_tuning/jobs/${id}`, serve);
  set('running');
  const ends = urls.map(followStates);
  void followEvents();

  return {
    id,
    get body() {
      return body;
    },
    async change(signal) {
      while (!signal.aborted) {
        await sleep(random(MAX_PAUSE_MS)); // The time is the schedule.
        set(state % 2 === 0 ? 'running' : 'paused');
      }
    },
    async finish() {
      set('succeeded');
      await Promise.all(ends);
      while (seenEvents.length < events.length && !closed.aborted) await sleep(20);
    },
    problems() {
      const isOrdered = (seen: readonly number[]) => seen.every((one, index) => one > (seen[index - 1] ?? 0));
      const lasts = seenStates.filter((seen) => seen.at(-1) === state);
      const made = events.map((event) => event.id).toReversed();
      return [
        ...errors.map((error) => `got ${JSON.stringify(error)}`),
        ...seenStates.filter((seen) => !isOrdered(seen)).map((seen) => `saw states ${seen.join(' ')}`),
        ...(lasts.length === urls.length ? [] : [`saw not ${state} at the end: ${JSON.stringify(seenStates)}`]),
        ...(made.join() === seenEvents.join() ? [] : [`saw events ${seenEvents.join(' ')} of ${made.length}`]),
      ].map((problem) => `${id} ${problem}`);
    },
  };
}
