import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CallResult,
  type CircuitBreaker,
  createCircuitBreaker,
  type ReportResult,
} from '../../../../src/upstream/resilience/circuit-breaker.ts';
import { createTestClock, type TestClock } from '../../../kit/clock.ts';

function start() {
  const clock = createTestClock(0);
  return { clock, breaker: createCircuitBreaker(clock) };
}

function find(breaker: CircuitBreaker, finding: CallResult, times = 1) {
  for (let time = 0; time < times; time++) breaker.startCall()(finding);
}

function opened(): { clock: TestClock; breaker: CircuitBreaker } {
  const world = start();
  find(world.breaker, 'down', 10);
  return world;
}

const unavailable = (retryAfterSeconds: number) =>
  expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE', facts: { retryAfterSeconds } });

describe('a closed breaker', () => {
  it('opens at the tenth failure in a row, and not before', () => {
    const { breaker } = start();
    find(breaker, 'down', 9);
    find(breaker, 'down');
    expect(() => breaker.check()).toThrow(unavailable(2));
    expect(() => breaker.startCall()).toThrow(unavailable(2));
  });

  it('begins to count anew with each answer', () => {
    const { breaker } = start();
    find(breaker, 'down', 9);
    find(breaker, 'up');
    find(breaker, 'down', 9);
    breaker.check();
  });

  it('learns nothing from calls that were ended early', () => {
    const { breaker } = start();
    find(breaker, 'down', 9);
    find(breaker, 'unknown', 100);
    breaker.check();
    find(breaker, 'down');
    expect(() => breaker.check()).toThrow();
  });

  it('counts each call once, whatever it finds later', () => {
    const { breaker } = start();
    for (let call = 0; call < 5; call++) {
      const report = breaker.startCall();
      report('down');
      report('down');
    }
    breaker.check();
  });
});

describe('an open breaker', () => {
  it('tells how many seconds are left until a probe', () => {
    const { breaker, clock } = opened();
    clock.advance(1);
    expect(() => breaker.check()).toThrow(unavailable(2));
    clock.advance(999);
    expect(() => breaker.check()).toThrow(unavailable(1));
    clock.advance(999);
    expect(() => breaker.check()).toThrow(unavailable(1));
    clock.advance(1);
    breaker.check();
  });

  it('lets one probe through at a time', () => {
    const { breaker, clock } = opened();
    clock.advance(2000);
    breaker.startCall();
    expect(() => breaker.startCall()).toThrow(unavailable(1));
    clock.advance(60_000);
    expect(() => breaker.startCall()).toThrow(unavailable(1));
  });

  it('does not take a look for a probe', () => {
    const { breaker, clock } = opened();
    clock.advance(2000);
    breaker.check();
    breaker.check();
    breaker.startCall();
  });

  it('closes when the probe finds the upstream up, and counts from nothing', () => {
    const { breaker, clock } = opened();
    clock.advance(2000);
    find(breaker, 'up');
    find(breaker, 'down', 9);
    breaker.check();
  });

  it('waits twice as long after each probe that fails, up to 15 seconds', () => {
    const { breaker, clock } = opened();
    for (const ms of [2000, 4000, 8000, 15_000, 15_000]) {
      clock.advance(ms - 1);
      expect(() => breaker.check()).toThrow();
      clock.advance(1);
      find(breaker, 'down');
    }
    clock.advance(15_000);
    find(breaker, 'up');
    find(breaker, 'down', 10);
    expect(() => breaker.check()).toThrow(unavailable(2)); // Short again.
  });

  it('lets the next one probe at once when a probe was ended before it could tell', () => {
    const { breaker, clock } = opened();
    clock.advance(2000);
    find(breaker, 'unknown');
    breaker.startCall();
    expect(() => breaker.startCall()).toThrow();
  });
});

describe('calls that were under way when the breaker opened', () => {
  function withStraggler(): { clock: TestClock; breaker: CircuitBreaker; straggler: ReportResult } {
    const { clock, breaker } = start();
    const straggler = breaker.startCall();
    find(breaker, 'down', 10);
    return { clock, breaker, straggler };
  }

  it('do not put the probe off when they fail', () => {
    const { clock, breaker, straggler } = withStraggler();
    clock.advance(1000);
    straggler('down');
    clock.advance(1000);
    breaker.startCall();
  });

  it.each<CallResult>(['down', 'unknown'])('make no way for a second probe beside one under way: %s', (finding) => {
    const { clock, breaker, straggler } = withStraggler();
    clock.advance(2000);
    const probe = breaker.startCall();
    straggler(finding);
    expect(() => breaker.startCall()).toThrow(unavailable(1));
    probe('down');
    expect(() => breaker.startCall()).toThrow(unavailable(4));
  });

  it('close it when they were answered after all', () => {
    const { breaker, straggler } = withStraggler();
    straggler('up');
    breaker.startCall();
  });
});

it('a breaker never lets more than one call through between opening and an answer, and always some call at last', () => {
  const steps = fc.array(fc.oneof(fc.nat(5000), fc.constantFrom<CallResult>('down', 'unknown')), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (steps) => {
      const { breaker, clock } = opened();
      let underWay: ReportResult | null = null;
      for (const step of steps) {
        if (typeof step === 'number') clock.advance(step);
        else {
          underWay?.(step);
          underWay = null;
        }
        try {
          const report = breaker.startCall();
          expect(underWay).toBeNull();
          underWay = report;
        } catch {
          // Not its time.
        }
      }
      underWay?.('unknown');
      clock.advance(15_000);
      find(breaker, 'up');
      breaker.check();
    }),
  );
});
