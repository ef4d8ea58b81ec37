import { exportSPKI, generateKeyPair, importJWK, type JWTPayload } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { startIssuer, type TestIssuer, type TokenOptions } from '../../kit/gateway/issuer.ts';
import { startJwtWorld } from '../../kit/gateway/jwt-world.ts';
import { create, idOf, startSandboxWorld } from '../../kit/mutation/create-job.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

/** The close reason of a WebSocket has 123 bytes, and names a source that is up to 26 characters longer. */
const MAX_MESSAGE = 97;

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const codeOf = ({ errors }: { errors?: { extensions: Record<string, unknown> }[] }) => errors?.[0]?.extensions['code'];

describe('a gateway with JWTs', () => {
  it.each(['RS256', 'PS384', 'ES256', 'EdDSA'])('accepts a token with %s, and names its caller', async (alg) => {
    await using world = await startJwtWorld();
    await world.issuer.rotate(alg);
    const token = await world.issuer.sign({ email: 'ann@company.example' });
    for (const method of ['POST', 'GET'] as const) {
      const { status, data } = await askAs(world.gateway.url, `Bearer ${token}`, '{ viewer { name role } }', method);
      expect([status, data]).toEqual([200, { viewer: { name: 'ann@company.example', role: 'OPERATOR' } }]);
    }
    expect(world.gateway.log.find(({ msg }) => msg === 'request')).toMatchObject({ viewer: 'ann@company.example' });
  });

  const at = (world: { clock: { timeOfDay(): number } }, seconds: number) =>
    Math.floor(world.clock.timeOfDay() / 1000) + seconds;

  it.each<[string, (world: Awaited<ReturnType<typeof startJwtWorld>>) => JWTPayload, RegExp]>([
    ['of another audience', () => ({ aud: 'another-service' }), /for another audience \(aud\)/],
    ['without an audience', () => ({ aud: undefined as never }), /has no aud/],
    ['of another issuer', ({ issuer }) => ({ iss: `${issuer.url}/` }), /unknown issuer \(iss\)/],
    ['without an issuer', () => ({ iss: undefined as never }), /unknown issuer \(iss\)/],
    ['that has expired', (world) => ({ exp: at(world, -3) }), /has expired; get a new one/],
    ['that never expires', () => ({ exp: undefined as never }), /has no exp/],
    ['that is not valid yet', (world) => ({ nbf: at(world, 3) }), /not valid yet \(nbf\)/],
    ['without a subject', () => ({ sub: undefined as never }), /has no sub/],
    ['with an empty subject', () => ({ sub: '' }), /invalid sub/],
    ['with a long subject', () => ({ sub: 's'.repeat(256) }), /invalid sub/],
  ])('refuses a token %s', async (_, claims, message) => {
    await using world = await startJwtWorld();
    const response = await world.ask(await world.issuer.sign(claims(world)));
    expect([response.status, codeOf(response)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    expect(response.errors?.[0]?.message).toMatch(message);
    expect(response.errors?.[0]?.message.length).toBeLessThanOrEqual(MAX_MESSAGE);
    expect(world.upstream.calls).toEqual([]);
  });

  it('accepts a token whose times differ by no more than the tolerance', async () => {
    await using world = await startJwtWorld({ JWT_CLOCK_TOLERANCE_MS: '10000' });
    const token = await world.issuer.sign({ exp: at(world, -9), nbf: at(world, 9) });
    expect((await world.ask(token)).status).toBe(200);
    world.clock.advance(1000);
    expect((await world.ask(token)).status).toBe(401);
  });

  it('refuses a known token from its expiry on', async () => {
    await using world = await startJwtWorld();
    const token = await world.issuer.sign();
    expect((await world.ask(token)).status).toBe(200);
    world.clock.advance(301_999);
    expect((await world.ask(token)).status).toBe(200);
    world.clock.advance(1);
    expect((await world.ask(token)).errors?.[0]?.message).toMatch(/has expired/);
  });

  type Forge = (issuer: TestIssuer) => Promise<string>;
  const publicKeyAsSecret: Forge = async ({ sign, keys: [jwk] }) => {
    const key = await importJWK({ ...jwk, ext: true }, 'RS256');
    if (key instanceof Uint8Array) throw new Error('expected a public key');
    return await sign({}, { alg: 'HS256', key: new TextEncoder().encode(await exportSPKI(key)) });
  };
  const signedBy = (options: (issuer: TestIssuer) => TokenOptions) => async (issuer: TestIssuer) =>
    await issuer.sign({}, { key: (await generateKeyPair('RS256')).privateKey, ...options(issuer) });

  it.each<[string, Forge, RegExp]>([
    [
      'with alg none',
      async ({ sign, keys }) => {
        const [, claims] = (await sign()).split('.');
        return `${base64({ alg: 'none', kid: keys[0]?.kid })}.${claims}.`;
      },
      /the alg of the token is not accepted/,
    ],
    ['with HS256 and the public key as its secret', publicKeyAsSecret, /the alg of the token is not accepted/],
    ['signed by a stranger with a known kid', signedBy(() => ({})), /signature of the token is invalid/],
    ['signed by a stranger without a kid', signedBy(() => ({ kid: null })), /signature of the token is invalid/],
    [
      'signed by a stranger with a kid of his own',
      signedBy(() => ({ kid: 'mine' })),
      /\(kid\) is not one of its issuer/,
    ],
    [
      'with other claims than it was signed with',
      async ({ sign }) => {
        const [header, claims = '', signature] = (await sign()).split('.');
        const changed = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), roles: ['admins'] };
        return `${header}.${base64(changed)}.${signature}`;
      },
      /signature of the token is invalid/,
    ],
    ['with a critical header', async () => `${base64({ alg: 'RS256', crit: ['x'], x: 1 })}.e30.eA`, /unknown issuer/],
    ['that is no JWT', async () => 'fgw_other', /is no JWT; send an access token/],
    ['of three parts without JSON', async () => 'eyJ.eyJ.x', /is no JWT/],
    ['that is too long', ({ sign }) => sign({ groups: 'g'.repeat(6200) }), /longer than 8192 characters/],
  ])('refuses a token %s', async (_, forge, message) => {
    await using world = await startJwtWorld();
    const response = await world.ask(await forge(world.issuer));
    expect([response.status, codeOf(response)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(response.errors?.[0]?.message).toMatch(message);
    expect(response.errors?.[0]?.message.length).toBeLessThanOrEqual(MAX_MESSAGE);
    expect(world.upstream.calls).toEqual([]);
  });

  it('checks the signature of a token once, also when its first requests come together', async () => {
    await using world = await startJwtWorld();
    const token = await world.issuer.sign();
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const responses = await Promise.all(Array.from({ length: 10 }, () => world.ask(token)));
    expect((await world.ask(token)).status).toBe(200);
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  it('accepts a token of 8 KB', async () => {
    await using world = await startJwtWorld();
    const token = await world.issuer.sign({ groups: 'g'.repeat(5600) });
    expect(token.length).toBeGreaterThan(8000);
    expect((await world.ask(token)).status).toBe(200);
  });

  it('accepts a token without kid, by whichever key of the issuer has signed it', async () => {
    await using world = await startJwtWorld();
    const [first] = world.issuer.keys;
    const token = await world.issuer.sign({}, { kid: null });
    await world.issuer.rotate();
    if (first) world.issuer.keys.push(first);
    const next = await world.issuer.sign({ sub: 'user-2' }, { kid: null });
    world.clock.advance(10_000);
    expect((await world.ask(next)).status).toBe(200);
    expect((await world.ask(token)).status).toBe(200);
  });

  it('names a caller without email by the next claim, on one line and of at most 128 characters', async () => {
    await using world = await startJwtWorld();
    const names = [
      { preferred_username: 'ann' },
      { email: 7, preferred_username: ' ' },
      { email: `a\n\u202e${'x'.repeat(200)}` },
    ];
    const tokens = await Promise.all(names.map((claims) => world.issuer.sign(claims as JWTPayload)));
    const found = await Promise.all(tokens.map((token) => world.ask(token, '{ viewer { name } }')));
    expect(found.map(({ data }) => Object(data)['viewer'].name)).toEqual(['ann', 'user-1', `a ${'x'.repeat(126)}`]);
  });

  it('verifies each of several issuers by its own keys', async () => {
    await using other = await startIssuer();
    await using world = await startJwtWorld();
    await using both = await startJwtWorld({ JWT_ISSUERS: `${world.issuer.url}, ${other.url}` });
    const exp = Math.floor(both.clock.timeOfDay() / 1000) + 60;
    expect((await both.ask(await world.issuer.sign({ exp }))).status).toBe(200);
    expect((await both.ask(await other.sign({ exp }))).status).toBe(200);
    const forged = await other.sign({ exp, iss: world.issuer.url });
    expect((await both.ask(forged)).errors?.[0]?.message).toMatch(/signature of the token is invalid/);
    expect((await both.ask(await both.issuer.sign())).errors?.[0]?.message).toMatch(/unknown issuer/);
  });

  it('reads the keys from JWT_JWKS_URL without a discovery document', async () => {
    await using keys = await startIssuer();
    await using world = await startJwtWorld({ JWT_ISSUERS: 'https://id.example', JWT_JWKS_URL: `${keys.url}/keys` });
    const exp = Math.floor(world.clock.timeOfDay() / 1000) + 60;
    expect((await world.ask(await keys.sign({ exp, iss: 'https://id.example' }))).status).toBe(200);
    expect(keys.reads.discovery).toBe(0);
  });
});

describe('the role of a JWT', () => {
  it.each<[string, Record<string, string>, JWTPayload, string | null]>([
    ['the highest of its values', {}, { roles: ['tuners', 'readers', 'other'] }, 'OPERATOR'],
    ['of a text', {}, { roles: 'admins' }, 'ADMIN'],
    ['of a path', { JWT_ROLE_CLAIM: 'realm_access.roles' }, { realm_access: { roles: ['readers'] } }, 'VIEWER'],
    [
      'of a claim whose name has dots',
      { JWT_ROLE_CLAIM: 'https://a.example/roles' },
      { 'https://a.example/roles': ['readers'] },
      'VIEWER',
    ],
    ['of a scope', { JWT_ROLE_CLAIM: 'scope' }, { scope: 'openid tuners' }, 'OPERATOR'],
    ['of a value with =', { JWT_ROLES: 'CN=tuners=operator' }, { roles: ['CN=tuners'] }, 'OPERATOR'],
    ['none without a mapped value', {}, { roles: ['other', 'constructor'] }, null],
    ['none in another claim', {}, { roles: undefined, groups: ['admins'] }, null],
    ['none in a text of several words', {}, { roles: 'readers admins' }, null],
    ['none in an object', { JWT_ROLE_CLAIM: 'a.b' }, { a: { b: { admins: true } } }, null],
  ])('is %s', async (_, settings, claims, role) => {
    await using world = await startJwtWorld(settings);
    const response = await world.ask(await world.issuer.sign(claims), '{ viewer { role } }');
    if (role !== null) return expect(response.data).toEqual({ viewer: { role } });
    expect([response.status, codeOf(response)]).toEqual([403, 'FORBIDDEN']);
    expect(response.errors?.[0]?.message).toMatch(
      /^Authorization: the token has no role in this gateway \(JWT_ROLES\)/,
    );
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope"');
  });

  it('decides what its caller may do', async () => {
    await using world = await startJwtWorld({ ALLOW_MUTATIONS: 'on' });
    const token = await world.issuer.sign({ roles: ['readers'] });
    const { errors } = await world.ask(token, '{ fineTuningJob(id: "ftjob-1") { raw } }');
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
  });
});

describe('callers with JWTs', () => {
  it('are told apart by issuer and subject, whatever their names: each has its own points', async () => {
    await using other = await startIssuer();
    await using own = await startIssuer();
    await using world = await startJwtWorld({ JWT_ISSUERS: `${own.url},${other.url}`, RATE_LIMIT_PER_MINUTE: '1000' });
    const exp = Math.floor(world.clock.timeOfDay() / 1000) + 60;
    const remaining = async (issuer: TestIssuer, sub: string) => {
      const token = await issuer.sign({ exp, sub, email: 'same@company.example', jti: crypto.randomUUID() });
      return Number((await world.ask(token, '{ __typename }')).headers.get('ratelimit-remaining'));
    };
    const first = await remaining(own, 'a');
    expect([await remaining(own, 'b'), await remaining(other, 'a')]).toEqual([first, first]);
    expect(await remaining(own, 'a')).toBeLessThan(first);
  });

  it('with equal names and subjects of two issuers never share an idempotency key, and one caller does', async () => {
    await using world = await startSandboxWorld();
    await using own = await startIssuer(world.clock);
    await using other = await startIssuer(world.clock);
    const gateway = await world.startGateway({ ...own.settings, JWT_ISSUERS: `${own.url},${other.url}` });
    const createAs = async (issuer: TestIssuer, name: string) => {
      const token = await issuer.sign({ email: name });
      return idOf(await create(gateway, { ...world.input, idempotencyKey: 'nightly-1' }, token));
    };
    const first = await createAs(own, 'ann');
    expect(first).not.toBeNull();
    expect(await createAs(own, 'ann-new-name')).toBe(first);
    expect(await createAs(other, 'ann')).not.toBe(first);
    expect(gateway.log.find(({ msg }) => msg === 'mutation')).toMatchObject({
      viewer: 'ann',
      callerId: JSON.stringify([own.url, 'user-1']),
    });
  });
});

describe('a gateway with tokens and JWTs', () => {
  it('accepts both, and says of any other text that it is unknown', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer' });
    await using world = await startJwtWorld({ AUTH: 'tokens,jwt', AUTH_TOKENS_FILE: file });
    expect((await world.ask(tokens.ann, '{ viewer { name } }')).data).toEqual({ viewer: { name: 'ann' } });
    expect((await world.ask(await world.issuer.sign())).status).toBe(200);
    expect((await world.ask('fgw_unknown')).errors?.[0]?.message).toMatch(/unknown or revoked/);
    expect((await world.ask(await world.issuer.sign({ aud: 'x' }))).errors?.[0]?.message).toMatch(/another audience/);
  });

  it('never takes a JWT for a token with the same name', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer' });
    await using world = await startJwtWorld({
      AUTH: 'tokens,jwt',
      AUTH_TOKENS_FILE: file,
      RATE_LIMIT_PER_MINUTE: '1000',
    });
    const remaining = async (token: string) =>
      (await world.ask(token, '{ __typename }')).headers.get('ratelimit-remaining');
    const first = await remaining(tokens.ann);
    expect(await remaining(await world.issuer.sign({ sub: 'ann', email: 'ann' }))).toBe(first);
  });
});

it('a token is in no response and no log line', async () => {
  await using world = await startJwtWorld({ LOG_LEVEL: 'trace' });
  for (const claims of [{}, { aud: 'x' }, { exp: 1 }, { roles: [] }]) await world.ask(await world.issuer.sign(claims));
  expect(JSON.stringify(world.gateway.log)).not.toMatch(/eyJ/);
});
