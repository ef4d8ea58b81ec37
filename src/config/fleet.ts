import { z } from 'zod';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { keyText } from './types/setting-types.ts';

/** The settings that all replicas have in common. */
export interface FleetConfig {
  /** URL of the Redis or Valkey server, with user and password. A secret. */
  readonly redisUrl: string;
  /** Beginning of all keys. */
  readonly prefix: string;
  /** The secret under which replicas name scopes; undefined: it is derived from the upstream's API key. */
  readonly secret: string | undefined;
}

const EXPECTED_URL =
  'expected a URL such as redis://user:password@host:6379/0, or rediss:// for TLS, with user and password in percent-encoding';

const MIN_SECRET_LENGTH = 32;

export const fleet = z
  .object({
    REDIS_URL: z
      .url({ protocol: /^rediss?$/, error: EXPECTED_URL })
      .refine((text) => /^\/?\d*$/.test(new URL(text).pathname), EXPECTED_URL)
      .optional()
      .register(settingDocs, {
        description:
          'Redis (7.2 or later) or Valkey (8 or later) that the replicas of a gateway share: `redis://user:password@host:port/database`, or `rediss://` for TLS. Unset: one process. See the page `fleet.md`.',
        example: 'rediss://gateway:password@redis.example:6380/0',
        isSecret: true,
      }),
    REDIS_PREFIX: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes and underscores')
      .default('finetune')
      .register(settingDocs, {
        description:
          'Beginning of all keys in Redis. Gateways with another prefix share nothing, also in the same database.',
        example: 'finetune-staging',
      }),
    FLEET_SECRET: keyText()
      .refine((text) => text.length >= MIN_SECRET_LENGTH, `expected at least ${MIN_SECRET_LENGTH} characters`)
      .optional()
      .register(settingDocs, {
        description:
          'Secret that all replicas have in common. From it they derive names in Redis that reveal no credential. Needed with `AUTH=passthrough`, and when replicas can have different API keys, such as during a rotation.',
        example: 'at-least-32-characters-of-random-text',
        whenUnset: "derived from the upstream's API key",
        isSecret: true,
      }),
    AUTH: z.string().optional(),
  })
  .register(groupDocs, {
    title: 'Fleet',
    intro: 'Several replicas as one gateway. Without these variables, each process is a gateway of its own.',
  })
  .transform(({ REDIS_URL, REDIS_PREFIX, FLEET_SECRET, AUTH }, { addIssue }) => {
    if (REDIS_URL === undefined) return { fleet: undefined };
    if (FLEET_SECRET === undefined && AUTH?.trim().toLowerCase() === 'passthrough') {
      const message = 'is needed for REDIS_URL with AUTH=passthrough; expected a secret that all replicas share.';
      addIssue({ code: 'custom', path: ['FLEET_SECRET'], message });
    }
    const config: FleetConfig = { redisUrl: REDIS_URL, prefix: REDIS_PREFIX, secret: FLEET_SECRET };
    return { fleet: config };
  });

/** The secrets of a fleet in all forms, for redaction. */
export function secretsOfFleet(fleet: FleetConfig | undefined): string[] {
  if (fleet === undefined) return [];
  return [...(fleet.secret === undefined ? [] : [fleet.secret]), ...secretsOfRedis(fleet.redisUrl)];
}

/** The password of a URL in all forms. */
export function secretsOfRedis(url: string): string[] {
  const { password } = new URL(url);
  return [password, decodeURIComponent(password)].filter((secret) => secret !== '');
}
