import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { TestClock } from '../clock.ts';
import { answer, startUpstream } from '../gateway/upstream.ts';
import { createPossession, respondWith } from './account-state.ts';

type Respond = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What may go wrong for one account while all is well for the others. `hang` is answered when it is released. */
export const FAULTS = ['none', '401', '403', '429', '500', '503', 'cut', 'foreign', 'text', 'reset', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

/** What one credential finds upstream: under the same ids as all the others, but everything has its mark. */
export interface Account {
  /** What a caller says to be asked for with it. */
  readonly authorization: string;
  fault: Fault;
  /** Another version has other values everywhere. */
  version: number;
  /** Targets of its calls so far. */
  readonly calls: string[];
  /** Calls that hang. */
  readonly hanging: Set<Hanging>;
  /** Answers those. */
  release(): void;
}

export interface Hanging {
  /** When it came. */
  readonly at: number;
  answer(): void;
}

export interface Accounts extends AsyncDisposable {
  readonly baseUrl: string;
  /** Opens an account with a credential that nobody had before. Marks are made of the name. */
  open(name: string): Account;
}

/** What the gateway makes of a caller's key, another for each account. */
const DIGEST = /(metadata%5B\w+%5D=)[\w-]+/;

/** A real server with many accounts, told apart by their credentials. */
export async function startAccounts(clock: TestClock): Promise<Accounts> {
  const upstream = await startUpstream();
  const accounts = new Map<string | undefined, { account: Account; respond: Respond }>();
  upstream.failAll(async (request, response) => {
    const found = accounts.get(request.headers.authorization);
    if (!found) return answer(response, 401, { error: { message: 'Incorrect API key provided.' } });
    const { account, respond } = found;
    account.calls.push((request.url ?? '').replace('/v1', '').replace(DIGEST, '$1'));
    if (account.fault === 'none') respond(request, response);
    else if (account.fault === 'hang') hang(account.hanging, response, clock.now(), () => respond(request, response));
    else {
      if (request.method === 'POST') await buffer(request); // Or what its sender notices first would be chance.
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
          for (const { answer } of hanging) answer();
          hanging.clear();
        },
      };
      const possession = createPossession();
      const respond: Respond = (request, response) =>
        respondWith(`${name} v${account.version}`, possession, request, response);
      accounts.set(account.authorization, { account, respond });
      return account;
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

const tell = (status: number, headers = {}): Respond => {
  return (_, response) => answer(response, status, { error: { message: 'No.' } }, headers);
};

const FAILURES: Record<Exclude<Fault, 'none' | 'hang'>, Respond> = {
  401: tell(401),
  403: tell(403),
  429: tell(429, { 'retry-after': '7' }),
  500: tell(500),
  503: tell(503),
  foreign: (_, response) => answer(response, 200, { greeting: 'of another dialect' }),
  text: (_, response) => answer(response, 200, 'no JSON'),
  reset: (_, response) => void response.destroy(),
  cut(_, response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('{"id": ', () => response.destroy());
  },
};

function hang(hanging: Set<Hanging>, response: ServerResponse, at: number, answer: () => void): void {
  const call = { at, answer };
  hanging.add(call);
  response.on('close', () => hanging.delete(call));
}
