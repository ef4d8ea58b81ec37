import { createCaller } from '../../src/store/flights.ts';
import { createAccessFactory } from '../../src/store/scope.ts';

/** Somebody's view of the upstream. */
export const accessOf = createAccessFactory();

/** A request that asks, and does not leave unless `signal` says so. */
export const newCaller = (signal = new AbortController().signal) => createCaller(signal);
