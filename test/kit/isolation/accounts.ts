import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { TestClock } from '../clock.ts';
import { startUpstream, writeResponse } from '../gateway/upstream.ts';
import { createAccountState, respondWith } from './account-state.ts';

type Respond = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Faults of one account that the others do not have. `hang` responds when it is released. */
export const FAULTS = ['none', '401', '403', '429', '500', '503', 'cut', 'foreign', 'text', 'reset', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

/** The account of one credential. All accounts have resources with the same ids, but each resource has its account's mark. */
export interface Account {
  /** The header with its credential. */
  readonly authorization: string;
  fault: Fault;
  /** A part of the mark; a new version changes every resource. */
  version: number;
  /** Paths of its calls so far. */
  readonly calls: string[];
  /** Calls without a response. */
  readonly hanging: Set<Hanging>;
  /** Responds to these calls. */
  release(): void;
}

export interface Hanging {
  /** Arrival in milliseconds since the epoch. */
  readonly at: number;
  respond(): void;
}

export interface Accounts extends AsyncDisposable {
  readonly baseUrl: string;
  /** Creates an account with a new credential. Its marks contain the name. */
  open(name: string): Account;
}

/** The gateway's digest of a caller's key in a metadata filter; it differs by account. */
const DIGEST = /(metadata%5B\w+%5D=)[\w-]+/;

/** A server with many accounts, which it identifies by their credentials. */
export async function startAccounts(clock: TestClock): Promise<Accounts> {
  const upstream = await startUpstream();
  const accounts = new Map<string | undefined, { account: Account; respond: Respond }>();
  upstream.failAll(async (request, response) => {
    const found = accounts.get(request.headers.authorization);
    if (!found) return writeResponse(response, 401, { error: { message: 'Incorrect API key provided.' } });
    const { account, respond } = found;
    account.calls.push((request.url ?? '').replace('/v1', '').replace(DIGEST, '$1'));
    if (account.fault === 'none') respond(request, response);
    else if (account.fault === 'hang') hang(account.hanging, response, clock.now(), () => respond(request, response));
    else {
      if (request.method === 'POST') await buffer(request); // Otherwise the sender's first error would be random.
      FAILURES[account.fault](request, response);
    }
  });
  return {
    baseUrl: upstream.baseUrl,
    open(name) {
      const hanging = new Set<Hanging>();
      const account: Account = {
        authorization: `Bearer ${name}-${crypto.randomUUID()}`,
        fault: 'none',
        version: 1,
        calls: [],
        hanging,
        release() {
          for (const { respond } of hanging) respond();
          hanging.clear();
        },
      };
      const state = createAccountState();
      const respond: Respond = (request, response) =>
        respondWith(`${name} v${account.version}`, state, request, response);
      accounts.set(account.authorization, { account, respond });
      return account;
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

const failWith = (status: number, headers = {}): Respond => {
  return (_, response) => writeResponse(response, status, { error: { message: 'No.' } }, headers);
};

const FAILURES: Record<Exclude<Fault, 'none' | 'hang'>, Respond> = {
  401: failWith(401),
  403: failWith(403),
  429: failWith(429, { 'retry-after': '7' }),
  500: failWith(500),
  503: failWith(503),
  foreign: (_, response) => writeResponse(response, 200, { greeting: 'of another dialect' }),
  text: (_, response) => writeResponse(response, 200, 'no JSON'),
  reset: (_, response) => void response.destroy(),
  cut(_, response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('{"id": ', () => response.destroy());
  },
};

function hang(hanging: Set<Hanging>, response: ServerResponse, at: number, respond: () => void): void {
  const call = { at, respond };
  hanging.add(call);
  response.on('close', () => hanging.delete(call));
}
