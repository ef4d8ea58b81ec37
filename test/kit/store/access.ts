import { createAccessFactory } from '../../../src/store/cache/scope.ts';
import { createReadContext } from '../../../src/store/cache/single-flight.ts';

/** Returns the access of a credential. Equal credentials share a scope within one test file. */
export const accessOf = createAccessFactory();

/** Returns the read context of a new request, aborted by `signal` only. */
export const newReadContext = (signal = new AbortController().signal) => createReadContext(signal);
