import { z } from 'zod';
import { groupDocs, settingDocs } from './setting-docs.ts';
import { integer, oneOf } from './setting-types.ts';

export const operation = z
  .object({
    LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
      .default('info')
      .register(settingDocs, {
        description: 'Lowest level that is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.',
      }),
    DRAIN_DELAY_MS: integer(0, 600_000).default(0).register(settingDocs, {
      description:
        'How long a stopping gateway still accepts requests while `GET /ready` returns 503. 5000 suits Kubernetes.',
      unit: 'ms',
      example: '5000',
    }),
    SHUTDOWN_TIMEOUT_MS: integer(0, 3_600_000).default(60_000).register(settingDocs, {
      description:
        'Maximum time for requests in progress to end when the gateway stops, such as uploads, counted from the end of the streams. Then it closes their connections.',
      unit: 'ms',
    }),
  })
  .register(groupDocs, { title: 'Logging and operation', intro: 'How much the gateway logs, and how it stops.' })
  .transform(({ LOG_LEVEL: logLevel, DRAIN_DELAY_MS: drainDelayMs, SHUTDOWN_TIMEOUT_MS: timeoutMs }) => ({
    logLevel,
    shutdown: { drainDelayMs, timeoutMs },
  }));
