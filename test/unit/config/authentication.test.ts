import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readConfig, secretsOf } from '../../../src/config/config.ts';
import { generateToken } from '../../../src/server/auth/token.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { tokenFile } from '../../kit/process/token.ts';

const KEY = { OPENAI_API_KEY: 'any-text' };
const ALL_ADDRESSES = { HOST: '0.0.0.0' };
const AZURE = { AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com/openai/v1' };

describe('AUTH', () => {
  it('is none by default', () => {
    expect(readConfig({}).auth).toEqual({ kind: 'none' });
  });

  it('rejects an unknown value, with the valid ones', () => {
    expect(problemsOf({ AUTH: 'basic' })).toEqual([
      'AUTH: "basic" is not none, tokens, jwt, tokens,jwt or passthrough.',
    ]);
    expect(problemsOf({ AUTH: 'NONE' })).toEqual(['AUTH: "NONE" is not none, tokens, jwt, tokens,jwt or passthrough.']);
  });

  it('reads the token file for tokens, which adds no secret', () => {
    const { file } = tokenFile({ ann: 'viewer' });
    const config = readConfig({ ...KEY, AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    expect(config.auth).toEqual({ kind: 'tokens', file });
    expect(secretsOf(config)).toEqual(['any-text']);
  });

  it('requires a readable token file for tokens', () => {
    expect(problemsOf({ AUTH: 'tokens' })).toEqual([
      'AUTH_TOKENS_FILE: is not set; AUTH=tokens expects the path of a token file, such as tokens. Create one: npm run token -- ann operator tokens',
    ]);
    expect(problemsOf({ AUTH: 'tokens', AUTH_TOKENS_FILE: '/nowhere/tokens' })).toEqual([
      'AUTH_TOKENS_FILE: "/nowhere/tokens" does not exist; expected the path of a token file, such as tokens. Create one: npm run token -- ann operator tokens',
    ]);
    expect(problemsOf({ AUTH: 'tokens', AUTH_TOKENS_FILE: makeFolder({}) })).toEqual([
      expect.stringMatching(/^AUTH_TOKENS_FILE: cannot be read; expected the path of a token (?:list|file)/),
    ]);
  });

  it('does not quote a token in the place of the path', () => {
    const token = generateToken();
    const [problem] = problemsOf({ AUTH: 'tokens', AUTH_TOKENS_FILE: token });
    expect(problem).toMatch(/^AUTH_TOKENS_FILE: the value does not exist; /);
    expect(problem).not.toContain(token);
  });

  it('reports each invalid line of the token file, beside all other problems', () => {
    const AUTH_TOKENS_FILE = join(makeFolder({ tokens: 'ann\n\nann boss x\n' }), 'tokens');
    expect(problemsOf({ PORT: 'web', AUTH: 'tokens', AUTH_TOKENS_FILE })).toEqual([
      'PORT: "web" is not a whole number from 0 to 65535, such as 4000.',
      expect.stringMatching(/^AUTH_TOKENS_FILE: line 1: /),
      expect.stringMatching(/^AUTH_TOKENS_FILE: line 3: /),
    ]);
  });

  it('is required when a token file is set', () => {
    const { file } = tokenFile({ ann: 'viewer' });
    expect(problemsOf({ AUTH_TOKENS_FILE: file })).toEqual([
      'AUTH: is not set, but AUTH_TOKENS_FILE is; expected AUTH=tokens.',
    ]);
    expect(problemsOf({ AUTH: 'none', AUTH_TOKENS_FILE: file })).toEqual([]);
  });

  it.each([
    ['OpenAI', { AUTH: 'passthrough' }, 'openai'],
    ['another server', { AUTH: 'passthrough', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' }, 'openai'],
    ['OpenAI in production', { AUTH: 'passthrough', NODE_ENV: 'production' }, 'openai'],
    ['Azure', { AUTH: 'passthrough', ...AZURE }, 'azure'],
    ['the sandbox', { AUTH: 'passthrough', UPSTREAM: 'sandbox' }, 'sandbox'],
  ])('needs no API key of the gateway for passthrough to %s', (_, environment, kind) => {
    const { auth, upstream } = readConfig(environment);
    expect([auth.kind, upstream.kind]).toEqual(['passthrough', kind]);
  });

  it('allows all addresses with a real credential when callers authenticate', () => {
    const { file } = tokenFile({ ann: 'viewer' });
    expect(problemsOf({ ...KEY, ...ALL_ADDRESSES, AUTH: 'tokens', AUTH_TOKENS_FILE: file })).toEqual([]);
    expect(problemsOf({ ...ALL_ADDRESSES, AUTH: 'passthrough' })).toEqual([]);
  });

  it('allows only loopback addresses with a real credential when it is none, set or by default', () => {
    for (const auth of [{}, { AUTH: 'none' }, { AUTH: '' }]) {
      expect(problemsOf({ ...KEY, ...ALL_ADDRESSES, ...auth })).toEqual([
        expect.stringMatching(
          /^HOST: "0\.0\.0\.0" is not a loopback address; expected one such as 127\.0\.0\.1, or AUTH=tokens\./,
        ),
      ]);
    }
    expect(problemsOf({ ...ALL_ADDRESSES, AUTH: 'none', UPSTREAM: 'sandbox' })).toEqual([]);
  });
});

describe('AUTH with jwt', () => {
  const JWT = {
    AUTH: 'jwt',
    JWT_ISSUERS: 'https://id.example/realms/main',
    JWT_AUDIENCE: 'finetune-gateway',
    JWT_ROLES: 'users=operator',
  };

  it('reads issuers, audiences and names exactly, with defaults for the rest', () => {
    const settings = {
      JWT_ISSUERS: 'https://Id.example/, http://127.0.0.1:1/A',
      JWT_AUDIENCE: 'api://A,b',
      JWT_ROLES: 'A b=viewer, CN=x=admin',
    };
    expect(readConfig({ ...JWT, ...settings }).auth).toEqual({
      kind: 'tokens',
      jwt: {
        issuers: ['https://Id.example/', 'http://127.0.0.1:1/A'],
        audiences: ['api://A', 'b'],
        roleByValue: new Map([
          ['A b', 'viewer'],
          ['CN=x', 'admin'],
        ]),
        roleClaim: 'roles',
        nameClaims: ['email', 'preferred_username', 'sub'],
        toleranceMs: 2000,
        timeoutMs: 5000,
      },
    });
  });

  it.each(['tokens,jwt', 'jwt,tokens', 'tokens, jwt'])('may be together with tokens: %s', (AUTH) => {
    const { file } = tokenFile({ ann: 'viewer' });
    expect(readConfig({ ...JWT, AUTH, AUTH_TOKENS_FILE: file }).auth).toMatchObject({
      file,
      jwt: { roleClaim: 'roles' },
    });
    expect(problemsOf({ ...JWT, AUTH })).toEqual([expect.stringMatching(/^AUTH_TOKENS_FILE: is not set/)]);
  });

  it.each(['none,jwt', 'jwt,passthrough', 'tokens,tokens', 'jwt,', ' none', 'none ', 'none,', 'passthrough,none'])(
    'is not together with others, and names what is allowed: %j',
    (AUTH) => {
      expect(problemsOf({ ...KEY, ...JWT, AUTH })).toEqual([
        `AUTH: ${JSON.stringify(AUTH)} is not none, tokens, jwt, tokens,jwt or passthrough.`,
      ]);
    },
  );

  it('requires issuers, an audience and roles', () => {
    expect(problemsOf({ AUTH: 'jwt' })).toEqual([
      'JWT_ISSUERS: is not set; AUTH=jwt expects it, such as JWT_ISSUERS=https://id.example',
      'JWT_AUDIENCE: is not set; AUTH=jwt expects it, such as JWT_AUDIENCE=finetune-gateway',
      'JWT_ROLES: is not set; AUTH=jwt expects it, such as JWT_ROLES=finetune-users=operator',
    ]);
    expect(problemsOf({ JWT_ISSUERS: JWT.JWT_ISSUERS })).toEqual([
      'AUTH: is not set, but JWT_ISSUERS is; expected AUTH=jwt.',
    ]);
  });

  it.each([
    ['JWT_ISSUERS', 'http://id.example'],
    ['JWT_ISSUERS', 'https://id.example,'],
    ['JWT_ISSUERS', 'https://id.example?a=b'],
    ['JWT_ISSUERS', 'https://user:pass@id.example'],
    ['JWT_ISSUERS', 'id.example'],
    ['JWT_JWKS_URL', 'http://id.example/keys'],
    ['JWT_JWKS_URL', 'http://127.example/keys'],
    ['JWT_JWKS_URL', 'file:///keys'],
    ['JWT_AUDIENCE', ','],
    ['JWT_ROLES', 'users'],
    ['JWT_ROLES', 'users=boss'],
    ['JWT_ROLES', '=admin'],
    ['JWT_ROLES', 'users=admin,users=viewer'],
    ['JWT_NAME_CLAIM', 'email,,sub'],
  ])('rejects %s=%s', (name, value) => {
    expect(problemsOf({ ...JWT, [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: .*is not `))]);
  });

  it('accepts the example of docs/operate.md', () => {
    const [, lines = ''] = /```ini\n(AUTH=jwt\n[\s\S]*?)```/.exec(readFileSync('docs/operate.md', 'utf8')) ?? [];
    expect(readConfig(parseEnv(lines)).auth).toMatchObject({ jwt: { roleClaim: 'realm_access.roles' } });
  });

  it('allows all addresses with a real credential', () => {
    expect(problemsOf({ ...KEY, ...ALL_ADDRESSES, ...JWT })).toEqual([]);
  });
});
