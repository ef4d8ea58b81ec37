import type { CallPayment } from '../../store/cache/read-context.ts';
import type { CallerBudget } from './caller-rate-limiter.ts';
import { LimitError } from './limit-error.ts';
import { limitViolationError } from './query-limits.ts';

/** The points that the upstream calls of one operation cost beyond its price. */
export interface OperationPayment extends CallPayment {
  /** Points spent beyond the price so far. */
  readonly extraPoints: number;
}

/**
 * Creates the payment of an operation whose price is already spent. The price assumes usual data. Calls beyond it cost one
 * point each: the results files of a job with many of them, pages of a long log, the pages of a list in the opposite order,
 * and retries. A read that would exceed the points of the caller, or the maximum cost of an operation, fails instead.
 */
export function createOperationPayment(price: number, { limits, spend }: CallerBudget): OperationPayment {
  let calls = 0;
  let extraPoints = 0;

  async function spendPoint(): Promise<void> {
    try {
      await spend(1);
    } catch (error) {
      calls--;
      extraPoints--;
      throw error instanceof LimitError ? error.error : error;
    }
  }

  return {
    get extraPoints() {
      return extraPoints;
    },
    payForRead() {
      if (calls < price + extraPoints) {
        calls++;
        return undefined;
      }
      const cost = price + extraPoints + 1;
      if (cost > limits.cost)
        return Promise.reject(limitViolationError({ limit: 'cost', max: limits.cost, actual: cost }));
      calls++;
      extraPoints++;
      return spendPoint();
    },
    chargeCall() {
      if (++calls <= price + extraPoints) return;
      extraPoints++;
      spendPoint().catch(() => {}); // The caller has no points left, so that its next read fails.
    },
  };
}
