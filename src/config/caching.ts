import { z } from 'zod';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer } from './types/setting-types.ts';

export const caching = z
  .object({
    CACHE_ACTIVE_MS: integer(0, 3_600_000).default(1000).register(settingDocs, {
      description:
        'TTL of a cached resource that can still change, such as a running job. At 0, only equal reads at the same time share an upstream call.',
      unit: 'ms',
    }),
    CACHE_SETTLED_MS: integer(0, 86_400_000).default(300_000).register(settingDocs, {
      description: 'TTL of a cached resource that no longer changes, such as a succeeded job.',
      unit: 'ms',
    }),
    CACHE_MAX_MB: integer(1, 65_536).default(128).register(settingDocs, {
      description:
        'Maximum size of all caches together: upstream resources, responses and parsed documents. The process grows by at most twice this size over its size at rest, plus what requests in progress need.',
      unit: 'MiB',
    }),
    POLL_INTERVAL_MS: integer(100, 3_600_000).default(2000).register(settingDocs, {
      description: 'Minimum time between two polls of a job that has subscribers.',
      unit: 'ms',
    }),
  })
  .register(groupDocs, {
    title: 'Caching and polling',
    intro: 'How old the data of a response may be. Failed upstream calls are not cached.',
  })
  .transform((values) => ({
    cache: {
      activeMs: values.CACHE_ACTIVE_MS,
      settledMs: values.CACHE_SETTLED_MS,
      maxBytes: values.CACHE_MAX_MB * 1024 * 1024,
    },
    pollIntervalMs: values.POLL_INTERVAL_MS,
  }));
