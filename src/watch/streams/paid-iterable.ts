import type { CallPayment } from '../../store/cache/single-flight.ts';

/** A source whose readers pay for the upstream calls that each of them makes alone. */
export interface PaidIterable<T> extends AsyncIterable<T> {
  openReader(payment: CallPayment | undefined): AsyncIterableIterator<T>;
}

/** Opens a reader of any source. It pays where the readers of the source pay. */
export function openReader<T>(source: AsyncIterable<T> | PaidIterable<T>, payment: CallPayment): AsyncIterator<T> {
  return 'openReader' in source ? source.openReader(payment) : source[Symbol.asyncIterator]();
}
