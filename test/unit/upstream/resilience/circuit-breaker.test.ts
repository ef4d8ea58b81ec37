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

function report(breaker: CircuitBreaker, result: CallResult, times = 1) {
  for (let count = 0; count < times; count++) breaker.startCall()(result);
}

function openBreaker(): { clock: TestClock; breaker: CircuitBreaker } {
  const world = start();
  report(world.breaker, 'down', 10);
  return world;
}

const unavailable = (retryAfterSeconds: number) =>
  expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE', facts: { retryAfterSeconds } });

describe('a closed circuit breaker', () => {
  it('opens at the tenth consecutive failure, and not before', () => {
    const { breaker } = start();
    report(breaker, 'down', 9);
    report(breaker, 'down');
    expect(() => breaker.check()).toThrow(unavailable(2));
    expect(() => breaker.startCall()).toThrow(unavailable(2));
  });

  it('resets its count with each response', () => {
    const { breaker } = start();
    report(breaker, 'down', 9);
    report(breaker, 'up');
    report(breaker, 'down', 9);
    breaker.check();
  });

  it('ignores calls that were aborted', () => {
    const { breaker } = start();
    report(breaker, 'down', 9);
    report(breaker, 'unknown', 100);
    breaker.check();
    report(breaker, 'down');
    expect(() => breaker.check()).toThrow();
  });

  it('counts only the first report of a call', () => {
    const { breaker } = start();
    for (let call = 0; call < 5; call++) {
      const reportResult = breaker.startCall();
      reportResult('down');
      reportResult('down');
    }
    breaker.check();
  });
});

describe('an open circuit breaker', () => {
  it('rejects with the seconds until the next probe', () => {
    const { breaker, clock } = openBreaker();
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
    const { breaker, clock } = openBreaker();
    clock.advance(2000);
    breaker.startCall();
    expect(() => breaker.startCall()).toThrow(unavailable(1));
    clock.advance(60_000);
    expect(() => breaker.startCall()).toThrow(unavailable(1));
  });

  it('does not count a check as a probe', () => {
    const { breaker, clock } = openBreaker();
    clock.advance(2000);
    breaker.check();
    breaker.check();
    breaker.startCall();
  });

  it('closes when the probe succeeds, and resets its count', () => {
    const { breaker, clock } = openBreaker();
    clock.advance(2000);
    report(breaker, 'up');
    report(breaker, 'down', 9);
    breaker.check();
  });

  it('doubles its open period after each failed probe, up to 15 seconds', () => {
    const { breaker, clock } = openBreaker();
    for (const ms of [2000, 4000, 8000, 15_000, 15_000]) {
      clock.advance(ms - 1);
      expect(() => breaker.check()).toThrow();
      clock.advance(1);
      report(breaker, 'down');
    }
    clock.advance(15_000);
    report(breaker, 'up');
    report(breaker, 'down', 10);
    expect(() => breaker.check()).toThrow(unavailable(2)); // The first period again.
  });

  it('lets the next probe through at once when a probe was aborted', () => {
    const { breaker, clock } = openBreaker();
    clock.advance(2000);
    report(breaker, 'unknown');
    breaker.startCall();
    expect(() => breaker.startCall()).toThrow();
  });
});

describe('calls in flight when the circuit breaker opened', () => {
  function withStraggler(): { clock: TestClock; breaker: CircuitBreaker; straggler: ReportResult } {
    const { clock, breaker } = start();
    const straggler = breaker.startCall();
    report(breaker, 'down', 10);
    return { clock, breaker, straggler };
  }

  it('do not delay the probe when they fail', () => {
    const { clock, breaker, straggler } = withStraggler();
    clock.advance(1000);
    straggler('down');
    clock.advance(1000);
    breaker.startCall();
  });

  it.each<CallResult>(['down', 'unknown'])('do not allow a second probe beside one in flight: %s', (result) => {
    const { clock, breaker, straggler } = withStraggler();
    clock.advance(2000);
    const probe = breaker.startCall();
    straggler(result);
    expect(() => breaker.startCall()).toThrow(unavailable(1));
    probe('down');
    expect(() => breaker.startCall()).toThrow(unavailable(4));
  });

  it('close it when they succeed', () => {
    const { breaker, straggler } = withStraggler();
    straggler('up');
    breaker.startCall();
  });
});

it('an open circuit breaker has at most one probe in flight, and closes at last: property', () => {
  const steps = fc.array(fc.oneof(fc.nat(5000), fc.constantFrom<CallResult>('down', 'unknown')), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (steps) => {
      const { breaker, clock } = openBreaker();
      let inFlight: ReportResult | null = null;
      for (const step of steps) {
        if (typeof step === 'number') clock.advance(step);
        else {
          inFlight?.(step);
          inFlight = null;
        }
        try {
          const reportResult = breaker.startCall();
          expect(inFlight).toBeNull();
          inFlight = reportResult;
        } catch {
          // Rejected by the open breaker.
        }
      }
      inFlight?.('unknown');
      clock.advance(15_000);
      report(breaker, 'up');
      breaker.check();
    }),
  );
});
