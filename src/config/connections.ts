import { z } from 'zod';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer, onOff } from './types/setting-types.ts';

const subscriptions = {
  MAX_SUBSCRIPTIONS: integer(1, 1_000_000).default(20_000).register(settingDocs, {
    description:
      'Maximum open subscriptions of this process, whose memory they take. One more is rejected with the code `RATE_LIMITED`.',
  }),
  MAX_SUBSCRIPTIONS_PER_CALLER: integer(1, 1_000_000).default(200).register(settingDocs, {
    description: 'Maximum open subscriptions of one caller, on all replicas together.',
  }),
  HEARTBEAT_MS: integer(100, 600_000).default(12_000).register(settingDocs, {
    description:
      'Time between two heartbeats of a quiet subscription stream. At each, the gateway checks that the token is still valid.',
    unit: 'ms',
  }),
};

const http = {
  MAX_CONNECTIONS: integer(1, 1_000_000).default(10_000).register(settingDocs, {
    description:
      'Maximum open connections. One more closes the oldest one without an authenticated caller, such as a WebSocket before `connection_init`; else the one that has been idle longest.',
  }),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000).optional().register(settingDocs, {
    description:
      'Connections that one client address keeps while `MAX_CONNECTIONS` are open: if another address connects, the oldest one above this number is closed, even in use. A proxy is one address, and nothing is closed for its own new connections. A proxy of `TRUST_PROXY` has no such limit.',
    defaultValue: 'MAX_CONNECTIONS / 10',
  }),
  HEADERS_TIMEOUT_MS: integer(1, 600_000).default(10_000).register(settingDocs, {
    description: 'Maximum time for the headers of a request to arrive. Checked every second.',
    unit: 'ms',
  }),
  BODY_TIMEOUT_MS: integer(1, 600_000).default(30_000).register(settingDocs, {
    description:
      'Maximum time from the headers of a request to the end of its body; of an upload, from its last bytes to the next. Then the gateway responds 408. Also the time for a message on a WebSocket, checked every `HEARTBEAT_MS`.',
    unit: 'ms',
  }),
  IDLE_TIMEOUT_MS: integer(1, 3_600_000).default(65_000).register(settingDocs, {
    description:
      'Maximum time that a connection is idle between two requests, and that a client reads nothing of a response.',
    unit: 'ms',
  }),
};

const compression = {
  COMPRESSION: onOff().default('on').register(settingDocs, {
    description:
      'Whether responses are compressed with zstd, Brotli or gzip for clients that accept it (`Accept-Encoding`): `on` or `off`. Streams and downloads never are.',
  }),
  COMPRESSION_MIN_BYTES: integer(0, 1_000_000_000).default(1024).register(settingDocs, {
    description: 'Minimum size of a response that is compressed. A smaller one fits into one packet as it is.',
    unit: 'bytes',
  }),
};

export const connections = z
  .object({ ...subscriptions, ...http, ...compression })
  .register(groupDocs, {
    title: 'Subscriptions and connections',
    intro: 'How many connections clients may hold, and how long the gateway waits for a client.',
  })
  .transform((values) => ({
    subscriptions: {
      heartbeatMs: values.HEARTBEAT_MS,
      maxSubscriptions: values.MAX_SUBSCRIPTIONS,
      maxSubscriptionsPerCaller: values.MAX_SUBSCRIPTIONS_PER_CALLER,
    },
    http: {
      compressionMinBytes: values.COMPRESSION === 'on' ? values.COMPRESSION_MIN_BYTES : null,
      headersTimeoutMs: values.HEADERS_TIMEOUT_MS,
      bodyTimeoutMs: values.BODY_TIMEOUT_MS,
      idleTimeoutMs: values.IDLE_TIMEOUT_MS,
      maxConnections: values.MAX_CONNECTIONS,
      maxConnectionsPerAddress: values.MAX_CONNECTIONS_PER_ADDRESS ?? Math.ceil(values.MAX_CONNECTIONS / 10),
    },
  }));
