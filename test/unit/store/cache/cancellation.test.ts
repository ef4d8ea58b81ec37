import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../../../src/store/cache/cancellation.ts';

describe('a cancellation', () => {
  it('calls each callback once with the first reason, and none that was removed', () => {
    const cancellation = new Cancellation();
    const reasons: unknown[] = [];
    cancellation.addCallback((reason) => reasons.push(reason));
    const stop = cancellation.onAbort(() => reasons.push('removed'));
    stop();
    cancellation.abort('first');
    cancellation.abort('second');
    expect(reasons).toEqual(['first']);
    expect([cancellation.isAborted, cancellation.reason, cancellation.callbackCount]).toEqual([true, 'first', 0]);
  });

  it('lets a callback remove another one during the abort', () => {
    const cancellation = new Cancellation();
    const called: string[] = [];
    const other = () => called.push('other');
    cancellation.addCallback(() => cancellation.removeCallback(other));
    cancellation.addCallback(other);
    cancellation.abort('reason');
    expect(called).toEqual([]);
  });

  it('has one signal, which is aborted with it, also when it is asked for afterward', () => {
    const [early, late] = [new Cancellation(), new Cancellation()];
    const { signal } = early;
    expect(early.signal).toBe(signal);
    early.abort('reason');
    late.abort('reason');
    for (const aborted of [signal, late.signal]) expect([aborted.aborted, aborted.reason]).toEqual([true, 'reason']);
  });

  it('of a signal is aborted with it, and adds one listener for all callbacks', () => {
    const controller = new AbortController();
    const cancellation = Cancellation.of(controller.signal);
    const reasons: unknown[] = [];
    for (let n = 0; n < 3; n++) cancellation.addCallback((reason) => reasons.push(reason));
    expect(cancellation.signal).toBe(controller.signal);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('reason');
    expect(reasons).toEqual(['reason', 'reason', 'reason']);
    expect(Cancellation.of(controller.signal).isAborted).toBe(true);
  });
});
