/** Milliseconds of both ends are whole. */
const COMMAND_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** The metrics of a fleet. Without REDIS_URL they are missing. */
export const FLEET_METRICS = {
  'finetune.fleet.available': {
    kind: 'gauge',
    unit: '',
    labels: {},
    help: '1 while Redis answers this replica, else 0.',
  },
  'finetune.fleet.replicas': {
    kind: 'gauge',
    unit: '',
    labels: {},
    help: 'Replicas at the last heartbeat, this one included.',
  },
  'finetune.fleet.outages': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Times when Redis has stopped to answer this replica.',
  },
  'finetune.fleet.reconnects': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.connection': ['commands', 'logs'] },
    help: 'Connections to Redis that were opened again.',
  },
  'finetune.fleet.command.duration': {
    kind: 'histogram',
    unit: 's',
    labels: {
      'finetune.script': 'a script of the gateway, such as `ledger.reserve`',
      'finetune.outcome': ['ok', 'timeout', 'failed'],
    },
    help: 'Scripts that Redis has executed. timeout: no reply within 500 ms.',
    buckets: COMMAND_SECONDS,
  },
  'finetune.fleet.unreadable': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.kind': 'the part of the state, such as `invalidations` or `watch`' },
    help: 'Entries and replies of Redis that this replica could not read. Their subjects are read anew.',
  },
  'finetune.fleet.reservations': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.outcome': ['reserved', 'pending', 'made', 'unknown', 'refused'] },
    help: 'Requests to the ledger for the keys of a create. pending: another create has one. made: the job exists. unknown: reserved after a create with an unknown outcome. refused: Redis is away.',
  },
  'finetune.fleet.granted_calls': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Upstream calls that Redis has granted to this replica. Unused ones are lost.',
  },
  'finetune.fleet.blocks': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.calls': ['all', 'changes'] },
    help: "A 429's Retry-After that this replica has recorded for all replicas.",
  },
  'finetune.fleet.invalidations.sent': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Changes that this replica has told the others.',
  },
  'finetune.fleet.invalidation.delay': {
    kind: 'histogram',
    unit: 's',
    labels: {},
    help: 'From the arrival of a change by another replica in Redis until this replica applies it, with the difference of their clocks.',
    buckets: COMMAND_SECONDS,
  },
  'finetune.fleet.leases': {
    kind: 'gauge',
    unit: '',
    labels: {},
    help: 'Scopes whose jobs this replica polls for all replicas.',
  },
  'finetune.fleet.takeovers': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Polls of a scope that were taken over from a replica that had not given them back.',
  },
  'finetune.fleet.refused_observations': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Observations of jobs that may have been older than the accepted one. Each costs one more poll at most.',
  },
  'finetune.fleet.gaps': {
    kind: 'counter',
    unit: '',
    labels: { 'finetune.kind': ['watch', 'invalidations'] },
    help: 'Times when this replica may have missed entries. watch: it has compared its jobs with those in Redis. invalidations: it reads everything anew.',
  },
  'finetune.fleet.resets': {
    kind: 'counter',
    unit: '',
    labels: {},
    help: 'Times when Redis can have lost data: it was flushed or restarted, or another server has taken over.',
  },
  'finetune.fleet.follow.delay': {
    kind: 'histogram',
    unit: 's',
    labels: {},
    help: "From the upstream's response to another replica until the accepted observation arrives here.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
} as const;
