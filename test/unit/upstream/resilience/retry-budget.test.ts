import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRetryBudget } from '../../../../src/upstream/resilience/retry-budget.ts';

function spendAll(budget: ReturnType<typeof createRetryBudget>): number {
  let spent = 0;
  while (budget.tryWithdraw()) spent++;
  return spent;
}

describe('the retry budget', () => {
  it('has ten tries for the first troubles', () => {
    expect(spendAll(createRetryBudget())).toBe(10);
  });

  it('earns one try with ten calls', () => {
    const budget = createRetryBudget();
    spendAll(budget);
    for (let calls = 0; calls < 9; calls++) budget.deposit();
    expect(budget.tryWithdraw()).toBe(false);
    budget.deposit();
    budget.deposit(); // Tenths are no whole numbers.
    expect(spendAll(budget)).toBe(1);
  });

  it('saves up no more than ten', () => {
    const budget = createRetryBudget();
    for (let calls = 0; calls < 10_000; calls++) budget.deposit();
    expect(spendAll(budget)).toBe(10);
  });

  it('never gives more than a tenth of the calls beside what was saved, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (isCalls) => {
        const budget = createRetryBudget();
        let calls = 0;
        let tries = 0;
        for (const isCall of isCalls) {
          if (isCall) {
            budget.deposit();
            calls++;
          } else if (budget.tryWithdraw()) tries++;
        }
        expect(tries).toBeLessThanOrEqual(10 + calls / 10);
      }),
    );
  });
});
