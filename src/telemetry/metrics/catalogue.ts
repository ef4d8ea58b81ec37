import { FLEET_METRICS } from './fleet-metrics.ts';

/** A metric: its instrument and its row in docs/operate.md are made from it. */
export interface MetricDefinition {
  readonly kind: 'histogram' | 'counter' | 'gauge';
  /** The unit in UCUM; empty for a plain number. */
  readonly unit: string;
  /** The values of each label, or a text about them. No label has a value that clients choose. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
  readonly help: string;
  /** Upper bounds of the buckets of a histogram. */
  readonly buckets?: readonly number[];
}

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const DELAY_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const TRANSPORTS = ['sse', 'multipart', 'websocket'];
const CODES = 'an error code';
const METHOD = 'an HTTP method';
const UPSTREAM_ROUTE = 'such as `/fine_tuning/jobs/{id}`';

/** All metrics by name. */
export const CATALOGUE = {
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    labels: {
      'http.request.method': METHOD,
      'http.route': 'a path such as `/graphql` or `/files/ID/content`; `other` for unknown ones',
      'http.response.status_code': 'the status; missing when the client left before',
    },
    help: 'Requests of clients, without streams.',
    buckets: REQUEST_SECONDS,
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    labels: {
      'http.request.method': METHOD,
      'url.template': UPSTREAM_ROUTE,
      'http.response.status_code': 'missing without a response',
      'error.type': `${CODES}, or \`ABORTED\`; missing after a success`,
      'finetune.cause': ['query', 'mutation', 'poll', 'webhook', 'event'],
    },
    help: 'Requests to the upstream, without their wait.',
    buckets: REQUEST_SECONDS,
  },
  'finetune.operations': {
    kind: 'counter',
    unit: '',
    labels: {
      'graphql.operation.type': ['query', 'mutation', 'subscription', 'unknown'],
      'graphql.operation.name': 'the name in TRUSTED_DOCUMENTS; `other` for any other document',
      'finetune.outcome': `ok, or ${CODES}`,
    },
    help: 'GraphQL operations that have ended, by the first error.',
  },
  'finetune.cache.reads': {
    kind: 'counter',
    unit: '',
    labels: {
      'finetune.kind': 'the cached noun: `response`, `job`, `jobs`, `events`, `file`, `model`, …',
      'finetune.outcome': ['hit', 'miss', 'join'],
    },
    help: 'Reads of a cache. join: an equal read in flight was shared.',
  },
  'finetune.cache.size': {
    kind: 'gauge',
    unit: 'By',
    labels: {},
    help: 'Estimated size of all cached values; CACHE_MAX_MB bounds it.',
  },
  'finetune.upstream.retries': {
    kind: 'counter',
    unit: '',
    labels: { 'url.template': UPSTREAM_ROUTE, 'error.type': CODES },
    help: 'Retries of upstream calls.',
  },
  'finetune.upstream.breakers': {
    kind: 'gauge',
    unit: '',
    labels: { 'finetune.state': ['open', 'half_open'] },
    help: 'Credentials whose circuit breaker is in this state.',
  },
  'finetune.upstream.breaker.transitions': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.state': ['closed', 'open', 'half_open'] },
    help: 'Circuit breakers that have entered this state.',
  },
  'finetune.upstream.credential.refusals': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Upstream calls whose credential was refused (HTTP 401).',
  },
  'finetune.upstream.queue.duration': {
    kind: 'histogram',
    unit: 's',
    labels: { 'finetune.outcome': ['admitted', 'refused'] },
    help: 'Waits of upstream calls for UPSTREAM_MAX_RPS or a connection. refused: the wait would have been too long.',
    buckets: DELAY_SECONDS,
  },
  'finetune.limit.refusals': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.limit': ['points', 'subscriptions', 'uploads', 'downloads', 'connections'] },
    help: 'Requests and connections of clients that were refused or closed at a limit.',
  },
  'finetune.poll.lag': {
    kind: 'histogram',
    unit: 's',
    labels: { 'finetune.kind': ['jobs', 'events', 'progress'] },
    help: 'Time from the moment when a poll was due to its start.',
    buckets: DELAY_SECONDS,
  },
  'finetune.poll.failures': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.kind': ['jobs', 'events', 'progress'], 'finetune.outcome': ['retried', 'dropped'] },
    help: 'Failed polls. dropped: it is not tried again, and its subscriptions have ended with the error.',
  },
  'finetune.watched': { kind: 'gauge', unit: '', labels: {}, help: 'Jobs and event logs that are polled.' },
  'finetune.subscription.groups': {
    kind: 'gauge',
    unit: '',
    labels: {},
    help: 'Groups of equal subscriptions: each event is executed once per group.',
  },
  'finetune.streams': {
    kind: 'gauge',
    unit: '',
    labels: { 'finetune.transport': TRANSPORTS },
    help: 'Open streams and WebSockets.',
  },
  'finetune.streams.started': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.transport': TRANSPORTS },
    help: 'Streams and WebSockets that were opened.',
  },
  'finetune.streams.ended': {
    kind: 'counter',
    unit: '',
    labels: {
      'finetune.transport': TRANSPORTS,
      'finetune.reason': ['completed', 'client', 'drain', 'replaced', 'revoked', 'rejected'],
    },
    help: 'Streams and WebSockets that have ended. client: it has disconnected.',
  },
  'finetune.deliveries': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.transport': TRANSPORTS },
    help: 'Results of subscriptions that were sent.',
  },
  'finetune.delivery.delay': {
    kind: 'histogram',
    unit: 's',
    labels: {},
    help: 'Time from the observation of a status change until it is sent to a client.',
    buckets: DELAY_SECONDS,
  },
  'finetune.conflated': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'States that a newer one has replaced before a slow client read them.',
  },
  'finetune.mutations': {
    kind: 'counter',
    unit: '',
    labels: {
      'finetune.mutation': 'the name of a mutation of the schema',
      'finetune.outcome': 'Success, the name of a failure such as `InvalidInput`, or a code',
    },
    help: 'Mutations.',
  },
  'finetune.idempotent_replays': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Creates whose idempotency key has returned the job of an earlier one.',
  },
  'finetune.webhooks': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.outcome': ['accepted', 'repeated', 'rejected'] },
    help: 'Webhooks of the upstream. rejected: the signature is not valid.',
  },
  'finetune.uploads': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.outcome': ['stored', 'invalid', 'failed'] },
    help: 'Uploads of files. invalid: the training file has errors.',
  },
  'finetune.upload.bytes': { kind: 'counter', unit: 'By', labels: {}, help: 'Content of uploads that was received.' },
  'finetune.upload.issues': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.severity': ['error', 'warning'] },
    help: 'Issues in training files.',
  },
  'finetune.limit': {
    kind: 'gauge',
    unit: '',
    labels: { 'finetune.setting': 'the name of a setting' },
    help: 'Configured limits, in the unit of the setting. A limit that is off is missing.',
  },
  'nodejs.eventloop.delay.p50': {
    kind: 'gauge',
    unit: 's',
    labels: {},
    help: 'Median delay of the event loop since the last collection.',
  },
  'nodejs.eventloop.delay.p99': {
    kind: 'gauge',
    unit: 's',
    labels: {},
    help: '99th percentile of the delay of the event loop since the last collection.',
  },
  'nodejs.eventloop.delay.max': {
    kind: 'gauge',
    unit: 's',
    labels: {},
    help: 'Longest delay of the event loop since the last collection.',
  },
  'process.cpu.time': {
    kind: 'counter',
    unit: 's',
    labels: { 'cpu.mode': ['user', 'system'] },
    help: 'CPU time of the process.',
  },
  'process.memory.usage': { kind: 'gauge', unit: 'By', labels: {}, help: 'Resident memory of the process.' },
  'v8js.memory.heap.used': { kind: 'gauge', unit: 'By', labels: {}, help: 'Used part of the heap of V8.' },
  ...FLEET_METRICS,
  'process.uptime': { kind: 'gauge', unit: 's', labels: {}, help: 'Time since the start of the process.' },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type Catalogue = typeof CATALOGUE;
export type MetricName = keyof Catalogue;
type NamesOf<Kind> = { [Name in MetricName]: Catalogue[Name]['kind'] extends Kind ? Name : never }[MetricName];
export type HistogramName = NamesOf<'histogram'>;
/** The metrics that are read when they are collected. */
export type ObservedName = NamesOf<'counter' | 'gauge'>;
