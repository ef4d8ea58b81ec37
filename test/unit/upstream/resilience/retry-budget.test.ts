import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRetryBudget } from '../../../../src/upstream/resilience/retry-budget.ts';

function withdrawAll(budget: ReturnType<typeof createRetryBudget>): number {
  let retries = 0;
  while (budget.tryWithdraw()) retries++;
  return retries;
}

describe('the retry budget', () => {
  it('starts with ten retries', () => {
    expect(withdrawAll(createRetryBudget())).toBe(10);
  });

  it('gains one retry per ten calls', () => {
    const budget = createRetryBudget();
    withdrawAll(budget);
    for (let calls = 0; calls < 9; calls++) budget.deposit();
    expect(budget.tryWithdraw()).toBe(false);
    budget.deposit();
    budget.deposit(); // Ten times 0.1 is less than 1 in floating point.
    expect(withdrawAll(budget)).toBe(1);
  });

  it('holds at most ten retries', () => {
    const budget = createRetryBudget();
    for (let calls = 0; calls < 10_000; calls++) budget.deposit();
    expect(withdrawAll(budget)).toBe(10);
  });

  it('never allows more retries than the initial ten and a tenth of the calls: property', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (isCalls) => {
        const budget = createRetryBudget();
        let calls = 0;
        let retries = 0;
        for (const isCall of isCalls) {
          if (isCall) {
            budget.deposit();
            calls++;
          } else if (budget.tryWithdraw()) retries++;
        }
        expect(retries).toBeLessThanOrEqual(10 + calls / 10);
      }),
    );
  });
});
