import { existsSync } from 'node:fs';
import { z } from 'zod';
import { isRole, type Role, roles } from '../request/viewer.ts';
import type { Auth } from '../server/auth/authenticate.ts';
import { isTrustworthy } from '../server/auth/issuer-url.ts';
import { readTokenList, readTokenText } from '../server/auth/token-file.ts';
import { ALWAYS, groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer, quoteValue } from './types/setting-types.ts';

/** Other settings compare the text of AUTH with `none` and `passthrough`: both are valid only as they are here. */
const VALID_AUTH = /^(none|passthrough|tokens|jwt|tokens, ?jwt|jwt, ?tokens)$/;
const EXPECTED_AUTH = 'expected none, tokens, jwt, tokens,jwt or passthrough';
const EXPECTED_ROLES = `expected VALUE=ROLE pairs, separated by commas, each value once, with a role of ${roles.join(', ')}`;
const EXPECTED_ISSUERS =
  'expected https URLs (or http on loopback) without user, query and fragment, separated by commas';

const CREATE = 'Create one: npm run token -- ann operator tokens';
const NOT_SET = `is not set; AUTH=tokens expects the path of a token file, such as tokens. ${CREATE}`;
const missing = (file: string) =>
  `${quoteValue(file)} does not exist; expected the path of a token file, such as tokens. ${CREATE}`;

/** Texts separated by commas. Unlike host names they are compared exactly. */
const exactList = (expected: string, isValid: (item: string) => boolean = () => true) =>
  z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .refine((items) => items.every((item) => item !== '' && isValid(item)), expected);

export const authentication = z
  .object({
    AUTH: z.string().regex(VALID_AUTH, EXPECTED_AUTH).optional().register(settingDocs, {
      description:
        'How callers authenticate. `none`: not at all, everyone may do everything. `tokens`: with a bearer token of `AUTH_TOKENS_FILE`, by its role. `jwt`: with a JWT of an issuer of `JWT_ISSUERS`, by the role that `JWT_ROLES` maps a claim to. `tokens,jwt`: with either. `passthrough`: with an upstream key of their own, which the gateway uses for their upstream calls.',
      defaultValue: 'none',
    }),
    AUTH_TOKENS_FILE: z.string().optional().register(settingDocs, {
      description:
        'Path of the token file, for `AUTH=tokens`. Each line has NAME ROLE SHA256, as `npm run token` writes it. A change takes effect within a second.',
      example: 'tokens',
    }),
    JWT_ISSUERS: exactList(EXPECTED_ISSUERS, isIssuerUrl).optional().register(settingDocs, {
      description:
        'For `AUTH=jwt`: the accepted values of the claim `iss`, separated by commas, exactly as the identity provider writes them. Their keys are read through `/.well-known/openid-configuration` of each, or from `JWT_JWKS_URL`.',
      example: 'https://id.example/realms/main',
    }),
    JWT_JWKS_URL: z
      .string()
      .refine(isKeyUrl, 'expected an https URL, or an http URL on loopback')
      .optional()
      .register(settingDocs, {
        description:
          'URL of the keys of all issuers (a JWK set), for an identity provider without a discovery document.',
        example: 'https://id.example/keys',
      }),
    JWT_AUDIENCE: exactList('expected texts, separated by commas').optional().register(settingDocs, {
      description:
        'For `AUTH=jwt`: the accepted values of the claim `aud`, separated by commas: how the identity provider names this gateway. A token for another service is refused.',
      example: 'finetune-gateway',
    }),
    JWT_ROLE_CLAIM: z.string().default('roles').register(settingDocs, {
      description:
        'Name or path of the claim with the roles or groups of a caller, such as `realm_access.roles` or `groups`: a text or an array of texts.',
    }),
    JWT_ROLES: z
      .string()
      .transform(readRoles)
      .optional()
      .register(settingDocs, {
        description: `For \`AUTH=jwt\`: the role of each value of \`JWT_ROLE_CLAIM\`, as VALUE=ROLE, separated by commas. The highest role of a caller wins. A caller without one is refused with status 403. Roles: ${roles.join(', ')}.`,
        example: 'finetune-users=operator,finetune-admins=admin',
      }),
    JWT_NAME_CLAIM: exactList('expected names of claims, separated by commas')
      .prefault('email,preferred_username,sub')
      .register(settingDocs, {
        description:
          "Names or paths of the claims with the caller's name, which is in the log and in `viewer.name`; the first one that is a text is used. Limits, quotas and idempotency keys belong to issuer and `sub`, whatever the name.",
        defaultValue: 'email,preferred_username,sub',
      }),
    JWT_CLOCK_TOLERANCE_MS: integer(0, 300_000).default(2000).register(settingDocs, {
      description:
        'How far the clock of an issuer may differ: a token is valid for so long after its `exp`, and before its `nbf`.',
      unit: 'ms',
    }),
    JWT_TIMEOUT_MS: integer(100, 9000).default(5000).register(settingDocs, {
      description:
        'Maximum time to read the keys of an issuer. A request waits for them only when its token has a key that the gateway does not know.',
      unit: 'ms',
    }),
  })
  .register(groupDocs, {
    title: 'Authentication',
    intro: 'How callers authenticate, and their rights. The roles of tokens are viewer, operator and admin.',
  })
  .superRefine((values, context) => {
    const { AUTH, AUTH_TOKENS_FILE: file, JWT_ISSUERS } = values;
    const report = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (AUTH === undefined && file !== undefined) {
      report('AUTH', 'is not set, but AUTH_TOKENS_FILE is; expected AUTH=tokens.');
    }
    if (AUTH === undefined && JWT_ISSUERS !== undefined) {
      report('AUTH', 'is not set, but JWT_ISSUERS is; expected AUTH=jwt.');
    }
    if (accepts(AUTH, 'tokens')) for (const problem of fileProblems(file)) report('AUTH_TOKENS_FILE', problem);
    if (!accepts(AUTH, 'jwt')) return;
    for (const [name, example] of REQUIRED_FOR_JWT) {
      if (values[name] === undefined) report(name, `is not set; AUTH=jwt expects it, such as ${name}=${example}`);
    }
  }, ALWAYS)
  .transform((values): Auth => {
    const { AUTH = 'none', AUTH_TOKENS_FILE } = values;
    if (AUTH === 'none' || AUTH === 'passthrough') return { kind: AUTH };
    const file = accepts(AUTH, 'tokens') ? AUTH_TOKENS_FILE : undefined;
    if (!accepts(AUTH, 'jwt')) return { kind: 'tokens', file };
    const jwt = {
      issuers: values.JWT_ISSUERS ?? [],
      jwksUrl: values.JWT_JWKS_URL,
      audiences: values.JWT_AUDIENCE ?? [],
      roleClaim: values.JWT_ROLE_CLAIM,
      roleByValue: values.JWT_ROLES ?? new Map(),
      nameClaims: values.JWT_NAME_CLAIM,
      toleranceMs: values.JWT_CLOCK_TOLERANCE_MS,
      timeoutMs: values.JWT_TIMEOUT_MS,
    };
    return { kind: 'tokens', file, jwt };
  });

const REQUIRED_FOR_JWT = [
  ['JWT_ISSUERS', 'https://id.example'],
  ['JWT_AUDIENCE', 'finetune-gateway'],
  ['JWT_ROLES', 'finetune-users=operator'],
] as const;

/** Whether a text of AUTH names this kind of token. */
const accepts = (auth = '', kind: 'tokens' | 'jwt') => VALID_AUTH.test(auth) && auth.split(/, ?/).includes(kind);

function isKeyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return isTrustworthy(url) && !url.username && !url.password;
}

function isIssuerUrl(text: string): boolean {
  return isKeyUrl(text) && !/[?#]/.test(text);
}

/** Values may have `=`: the last one separates the role. */
function readRoles(text: string, context: z.RefinementCtx): ReadonlyMap<string, Role> {
  const found = new Map<string, Role>();
  for (const pair of text.split(',')) {
    const at = pair.lastIndexOf('=');
    const [value, role] = [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
    if (value === '' || !isRole(role) || found.has(value)) {
      context.addIssue({ code: 'custom', message: EXPECTED_ROLES });
      return z.NEVER;
    }
    found.set(value, role);
  }
  return found;
}

function fileProblems(file: string | undefined): readonly string[] {
  if (file === undefined) return [NOT_SET];
  return existsSync(file) ? readTokenList(readTokenText(file)).problems : [missing(file)];
}
