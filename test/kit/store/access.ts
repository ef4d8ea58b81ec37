import { createAccessFactory } from '../../../src/store/cache/scope.ts';
import { createReadContext } from '../../../src/store/cache/single-flight.ts';

/** Somebody's view of the upstream. */
export const accessOf = createAccessFactory();

/** A request that asks, and does not leave unless `signal` says so. */
export const newCaller = (signal = new AbortController().signal) => createReadContext(signal);
