import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { WebSocket } from 'ws';
import { FORM_END, filePart, headersOf, partsOf, trainingLines, unclosedForm } from '../kit/client/upload.ts';

/** The gateway under load, and the end of the load. */
export interface Soak {
  readonly url: string;
  readonly dispatcher: Agent;
  readonly signal: AbortSignal;
  /** Counts an answer by its outcome, such as `200`, or `closed`. */
  readonly count: (outcome: string) => void;
}

/** One action of a client. Rejects when the connection fails, which the clients expect. */
type Action = (soak: Soak) => Promise<void>;

const random = (max: number) => Math.floor(Math.random() * max);
const jobId = () => `ftjob-${String(1 + random(500)).padStart(24, '0')}`;

async function post(soak: Soak, query: string, variables: object = {}, signal = soak.signal): Promise<string> {
  const { dispatcher } = soak;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(soak.url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
    signal,
    dispatcher,
  });
  soak.count(String(response.status));
  return await response.text();
}

const TABLE = `query ($first: Int!, $after: String, $team: String!) {
  fineTuningJobs(first: $first, after: $after, filter: { metadata: [{ key: "team", value: $team }] }) {
    edges { node { id status createdAt model { id } trainingFile { id filename bytes } } } pageInfo { hasNextPage endCursor }
  }
}`;
const DETAIL = `query ($id: ID!) { fineTuningJob(id: $id) {
  id status metrics(maxPoints: 500) { points { step trainLoss data } } resultFiles { id filename }
  events(first: 50) { edges { node { id message data } } } checkpoints(first: 10) { edges { node { id stepNumber } } }
} }`;
const CREATE = `mutation ($input: CreateFineTuningJobInput!) { createFineTuningJob(input: $input) { __typename } }`;
const STATUS = 'subscription { anyFineTuningJobStatusChanged { job { id model { id } } status } }';
const EVENTS =
  'subscription ($id: ID!) { fineTuningJobEventAdded(jobId: $id, fromStart: true) { event { id message } } }';

async function readTable(soak: Soak) {
  for (let page = 0, after: string | null = null; page < 3; page++) {
    const text: string = await post(soak, TABLE, { first: 20 + random(80), after, team: `team-${random(5)}` });
    after = JSON.parse(text).data?.fineTuningJobs?.pageInfo.endCursor ?? null;
  }
}

const readDetail: Action = async (soak) => void (await post(soak, DETAIL, { id: jobId() }));

/** Sends documents that no cache has: valid ones with new aliases, and invalid ones. */
async function sendDocuments(soak: Soak) {
  const name = `a${randomUUID().slice(0, 8)}`;
  const fields = Array.from(
    { length: 20 },
    (_, index) => `${name}${index}: fineTuningJob(id: "${jobId()}") { id status }`,
  );
  await post(soak, `{ ${fields.join(' ')} }`);
  await post(soak, `{ ${name} { unknown } }`);
  await post(soak, `{ ${'['.repeat(200)}`);
}

/** Subscribes by server-sent events and disconnects in the middle. */
async function followEvents(soak: Soak) {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const signal = AbortSignal.any([soak.signal, AbortSignal.timeout(500 + random(3_000))]);
  const body = JSON.stringify(random(2) ? { query: STATUS } : { query: EVENTS, variables: { id: jobId() } });
  const response = await fetch(soak.url, { method: 'POST', headers, body, signal, dispatcher: soak.dispatcher });
  soak.count(`stream ${response.status}`);
  await response.text();
}

/** Subscribes by WebSocket, pings and disconnects, sometimes without the closing handshake. */
async function followBySocket(soak: Soak) {
  const socket = new WebSocket(soak.url.replace('http', 'ws'), 'graphql-transport-ws');
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()).on('error', () => resolve()));
  socket.on('open', () => {
    socket.send('{"type":"connection_init"}');
    for (const id of ['1', '2', '3']) {
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query: STATUS } }));
    }
    socket.ping();
  });
  await Promise.race([closed, sleep(500 + random(2_000), undefined, { signal: soak.signal }).catch(() => {})]);
  soak.count('socket');
  if (random(2)) socket.terminate();
  else socket.close();
  await closed;
}

async function uploadAndCreate(soak: Soak) {
  const content = trainingLines(500 + random(5_000), 'An answer of some words. '.repeat(1 + random(20)));
  const body = Buffer.concat([unclosedForm(...partsOf({}), filePart(content)), Buffer.from(FORM_END)]);
  const { dispatcher, signal } = soak;
  const response = await fetch(soak.url, { method: 'POST', headers: headersOf(), body, signal, dispatcher });
  soak.count(`upload ${response.status}`);
  await response.text();
  const input = { modelId: 'gpt-4.1-mini-2025-04-14', trainingFileId: 'file-train-1', idempotencyKey: randomUUID() };
  await Promise.all([post(soak, CREATE, { input }), post(soak, CREATE, { input })]);
  await sleep(500, undefined, { signal: soak.signal });
}

/** Disconnects before the response, or while it is sent. */
async function leaveEarly(soak: Soak) {
  const signal = AbortSignal.any([soak.signal, AbortSignal.timeout(1 + random(30))]);
  await post(soak, DETAIL, { id: jobId() }, signal);
}

const ACTIONS: readonly Action[] = [
  readTable,
  readDetail,
  sendDocuments,
  followEvents,
  followBySocket,
  uploadAndCreate,
  leaveEarly,
];

/** Runs clients of all kinds until the signal. Each repeats its action. */
export async function runClients(count: number, options: Omit<Soak, 'dispatcher'>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const soak = { ...options, dispatcher: opened.adopt(new Agent(), (agent) => agent.destroy()) };
  const client = async (action: Action) => {
    while (!soak.signal.aborted) {
      await action(soak).catch(() => soak.count('closed'));
      await sleep(random(20));
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => client(ACTIONS[index % ACTIONS.length] as Action))); // In bounds.
}
