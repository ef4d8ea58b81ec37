import { createRequire } from 'node:module';

// The index of undici loads fetch, WebSockets, mocks and caches too: 109 files instead of 40, a tenth of the CPU time of a
// start, and 11 MiB. Measured. The package has no entry for the parts; package.json pins its version.
const require = createRequire(import.meta.url);

// Typed by undici's own declarations: its inner files have none.
export const Dispatcher: typeof import('undici').Dispatcher = require('undici/lib/dispatcher/dispatcher.js');
Object.assign(Dispatcher.prototype, require('undici/lib/api/index.js')); // As the index does it.

export const Pool: typeof import('undici').Pool = require('undici/lib/dispatcher/pool.js');
export type Pool = import('undici').Pool;
/** The connections to one origin. */
export type OutgoingPool = import('undici').Dispatcher & { readonly closed: boolean; readonly destroyed: boolean };
export const errors: typeof import('undici').errors = require('undici/lib/core/errors.js');
export const buildConnector: typeof import('undici').buildConnector = require('undici/lib/core/connect.js');
