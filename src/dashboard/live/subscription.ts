import { after } from '../data/clock.ts';
import { answerOf } from '../data/graphql-client.ts';
import { canPass, fromWire, ownError, type RequestError, type WireError } from '../data/request-error.ts';
import type { Document } from '../operations/document.ts';
import { backoffMs } from './backoff.ts';
import { client, failingSubscriptions, openSubscriptions } from './live-connection.ts';
import { resumeSoon } from './resume.ts';

/** A restarted subscription that was not refused within this time has started. */
const STARTED_MS = 2_000;

/** Receives the results of a subscription. */
export interface Observer<Result> {
  /** Called before each (re)connection: what follows is complete again, as the description of the subscription says. */
  started?(): void;
  /** `errors` are those of single fields, which are null in `data`. */
  next(data: Result, errors: readonly RequestError[]): void;
  /** Called for each failure. The subscription is tried again, unless `isFinal`. */
  failed?(error: RequestError, isFinal: boolean): void;
  /** Called when the subscription has ended without a failure: no result follows. */
  completed?(): void;
}

/**
 * Subscribes over the live connection. `variables` are read again at each (re)connection, so that arguments such as `since`
 * continue after the last received result. Returns a function that unsubscribes.
 */
export function subscribe<Result, Variables extends Record<string, unknown>>(
  operation: Document<Result, Variables>,
  variables: () => Variables,
  observer: Observer<Result>,
): () => void {
  let isDone = false;
  let isFailing = false;
  let failures = 0;
  /** Of the last result, if it had no data: the gateway ends a failed subscription with such a result. */
  let lastError: RequestError | undefined;
  let stop = () => {};
  let cancelStarted = () => {};

  function start(): void {
    const payload = {
      query: operation.text,
      operationName: operation.name,
      get variables() {
        observer.started?.(); // Evaluated whenever graphql-ws sends the payload.
        return variables();
      },
    };
    lastError = undefined;
    stop = client().subscribe<Result>(payload, {
      next(result) {
        const answer = answerOf<Result>(result as { data?: Result | null; errors?: readonly WireError[] }); // The same form.
        lastError = answer.ok ? undefined : answer.error;
        if (!answer.ok) return;
        succeeded();
        observer.next(answer.data, answer.errors);
      },
      error: (reason) => fail(errorOf(reason)),
      complete() {
        if (lastError !== undefined) return fail(lastError);
        if (isDone) return;
        end();
        observer.completed?.();
      },
    });
  }

  function succeeded(): void {
    failures = 0;
    cancelStarted();
    if (isFailing) resumeSoon();
    setFailing(false);
  }

  function fail(error: RequestError): void {
    cancelStarted();
    if (isDone) return;
    const isFinal = !canPass(error) && !isOfUpstream(error);
    if (isFinal) end();
    else setFailing(true);
    observer.failed?.(error, isFinal);
    if (!isFinal) stop = after(Math.max((error.retryAfterSeconds ?? 0) * 1000, backoffMs(failures++)), restart);
  }

  function restart(): void {
    cancelStarted = after(STARTED_MS, succeeded);
    start();
  }

  function end(): void {
    if (!isDone) openSubscriptions.value--;
    isDone = true;
    cancelStarted();
    setFailing(false);
  }

  function setFailing(value: boolean): void {
    if (value !== isFailing) failingSubscriptions.value += value ? 1 : -1;
    isFailing = value;
  }

  openSubscriptions.value++;
  start();
  return () => {
    end();
    stop();
  };
}

/** An operator can mend these while the page is open, such as a key without a permission. */
const isOfUpstream = ({ code }: RequestError) => code.startsWith('UPSTREAM_');

function errorOf(reason: unknown): RequestError {
  if (Array.isArray(reason) && reason.length > 0) return fromWire(reason[0] as WireError); // As the protocol defines it.
  const text = reason instanceof CloseEvent ? reason.reason : '';
  return ownError('NETWORK', text || 'The live connection has failed.');
}
