import { createReadContext } from '../../../src/store/cache/read-context.ts';
import { createAccessFactory } from '../../../src/store/cache/scope.ts';
import type { Claimant } from '../../../src/upstream/resilience/call-claims.ts';

/** Returns the access of a credential. Equal credentials share a scope within one test file. */
export const accessOf = createAccessFactory();

/** Returns the read context of a new request, aborted by `signal` only. */
export const newReadContext = (signal = new AbortController().signal) => createReadContext(signal);

/** A subscriber whose upstream calls are free. */
export const SUBSCRIBER: Claimant = { priority: 'event', callers: [{ key: 'caller', address: '127.0.0.1' }] };
