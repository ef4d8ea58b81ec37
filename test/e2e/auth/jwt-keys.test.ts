import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { openSocket } from '../../kit/client/ws.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startIssuer } from '../../kit/gateway/issuer.ts';
import { startJwtWorld, WHO } from '../../kit/gateway/jwt-world.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

type World = Awaited<ReturnType<typeof startJwtWorld>>;
const MAX_AGE_MS = 600_000;
const COOLDOWN_MS = 10_000;

const fail =
  (status: number, headers = {}) =>
  (_: unknown, response: ServerResponse) =>
    void response.writeHead(status, headers).end('{}');

/** Answers with the status of each of these tokens, one after another. */
async function statuses(world: World, ...tokens: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const token of tokens) found.push((await world.ask(token)).status);
  return found;
}

describe('the keys of an issuer', () => {
  it('are read at the start, once, and not for each token', async () => {
    await using world = await startJwtWorld();
    await until(() => world.issuer.reads.keys === 1);
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => world.issuer.sign({ sub })));
    expect(await statuses(world, ...tokens)).toEqual([200, 200, 200]);
    expect(world.issuer.reads).toEqual({ discovery: 1, keys: 1 });
  });

  it('are read again for a token with a new key, so that a rotation costs no 401, at any time', async () => {
    await using world = await startJwtWorld();
    for (let rotation = 1; rotation <= 3; rotation++) {
      await world.issuer.rotate();
      const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => world.issuer.sign({ sub })));
      const responses = await Promise.all(tokens.map((token) => world.ask(token)));
      expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    }
    expect(world.issuer.reads.keys).toBeLessThanOrEqual(4);
  });

  it('are read once per cooldown for a flood of tokens with unknown keys', async () => {
    await using world = await startJwtWorld();
    expect((await world.ask(await world.issuer.sign())).status).toBe(200);
    const flood = async () => {
      const tokens = Array.from({ length: 50 }, (_, index) => world.issuer.sign({}, { kid: `unknown-${index}` }));
      const responses = await Promise.all(tokens.map(async (token) => world.ask(await token)));
      expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([401]));
    };
    await flood();
    await flood();
    expect(world.issuer.reads).toEqual({ discovery: 1, keys: 2 });
    world.clock.advance(COOLDOWN_MS - 1);
    await flood();
    expect(world.issuer.reads.keys).toBe(2);
    world.clock.advance(1);
    await flood();
    expect(world.issuer.reads.keys).toBe(3);
  });

  it('are never read for a token of another issuer, or with an alg that is not accepted', async () => {
    await using stranger = await startIssuer();
    await using world = await startJwtWorld();
    await until(() => world.issuer.reads.keys === 1);
    const exp = Math.floor(world.clock.timeOfDay() / 1000) + 60;
    await world.ask(await stranger.sign({ exp }));
    await world.ask(await world.issuer.sign({}, { alg: 'HS256', kid: 'x', key: new Uint8Array(32) }));
    expect([world.issuer.reads.keys, stranger.reads]).toEqual([1, { discovery: 0, keys: 0 }]);
  });

  it('are read again in the background when they are old; a token of a withdrawn key is then refused', async () => {
    await using world = await startJwtWorld();
    const token = await world.issuer.sign({ exp: Math.floor(world.clock.timeOfDay() / 1000) + 86_400 });
    expect(await statuses(world, token)).toEqual([200]);
    await world.issuer.rotate();
    world.clock.advance(MAX_AGE_MS);
    expect(await statuses(world, token)).toEqual([200]); // Has them read, and does not wait.
    await until(() => world.issuer.reads.keys === 2);
    await expect.poll(async () => (await world.ask(token)).status).toBe(401);
  });
});

describe('an outage of the issuer', () => {
  it('keeps tokens of known keys valid, refuses others with 503, and is logged once', async () => {
    await using world = await startJwtWorld();
    const known = await world.issuer.sign({ exp: Math.floor(world.clock.timeOfDay() / 1000) + 86_400 });
    expect(await statuses(world, known)).toEqual([200]);
    world.issuer.failAll(fail(500));
    for (let minute = 0; minute < 30; minute++) {
      world.clock.advance(60_000);
      const exp = Math.floor(world.clock.timeOfDay() / 1000) + 60;
      const [unknown, fresh] = [await world.issuer.sign({ exp }, { kid: 'new' }), await world.issuer.sign({ exp })];
      expect(await statuses(world, known, fresh, unknown)).toEqual([200, 200, 503]);
    }
    expect(world.outages()).toHaveLength(1);
    expect(world.outages()[0]).toMatchObject({
      level: 50,
      issuer: world.issuer.url,
      reason: expect.stringMatching(/status 500/),
    });
    world.issuer.failAll(null);
    world.clock.advance(COOLDOWN_MS);
    await world.issuer.rotate();
    expect(await statuses(world, await world.issuer.sign())).toEqual([200]);
    expect(world.gateway.log.filter(({ msg }) => msg === 'the keys of the issuer can be read again')).toHaveLength(1);
  });

  it('delays a request by no more than JWT_TIMEOUT_MS, and those of the next seconds not at all', async () => {
    await using world = await startJwtWorld({ JWT_TIMEOUT_MS: '700' });
    expect(await statuses(world, await world.issuer.sign())).toEqual([200]);
    let held = 0;
    world.issuer.failAll(() => void held++);
    const slow = world.ask(await world.issuer.sign({}, { kid: 'new' }));
    await until(() => held === 1);
    world.clock.advance(700);
    const response = await slow;
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    expect(response.errors).toEqual([
      {
        message: 'Authorization: the keys of its issuer cannot be read now; retry after 10 seconds.',
        extensions: { code: 'AUTHENTICATION_UNAVAILABLE' },
      },
    ]);
    expect(await statuses(world, await world.issuer.sign({}, { kid: 'newer' }))).toEqual([503]);
    expect(held).toBe(1);
    expect(world.outages()[0]).toMatchObject({ reason: expect.stringMatching(/within 700 ms \(JWT_TIMEOUT_MS\)/) });
  });

  it('at the start lets the gateway start, and ends without a restart', async () => {
    await using issuer = await startIssuer();
    issuer.failAll(fail(503));
    await using world = await startJwtWorld({ JWT_ISSUERS: issuer.url });
    await until(() => world.outages().length === 1);
    const exp = Math.floor(world.clock.timeOfDay() / 1000) + 60;
    const token = await issuer.sign({ exp });
    expect(await statuses(world, token)).toEqual([503]);
    issuer.failAll(null);
    world.clock.advance(COOLDOWN_MS);
    expect(await statuses(world, token)).toEqual([200]);
  });

  it('does not concern callers with tokens of the token file', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer' });
    await using issuer = await startIssuer();
    issuer.failAll(() => {}); // Never answers.
    await using gateway = await startGateway({
      UPSTREAM: 'sandbox',
      ...issuer.settings,
      AUTH: 'tokens,jwt',
      AUTH_TOKENS_FILE: file,
    });
    await until(() => issuer.reads.discovery === 1);
    expect((await askAs(gateway.url, `Bearer ${tokens.ann}`, '{ viewer { name } }')).status).toBe(200);
    using socket = await openSocket(gateway.url, { init: { token: tokens.ann } });
    expect(socket.socket.readyState).toBe(socket.socket.OPEN);
  });

  it('closes a WebSocket with 1013, after which clients try again', async () => {
    await using world = await startJwtWorld();
    expect(await statuses(world, await world.issuer.sign())).toEqual([200]);
    world.issuer.failAll(fail(500));
    using socket = await openSocket(world.gateway.url, {
      init: { token: await world.issuer.sign({}, { kid: 'new' }) },
    });
    const message = 'connectionParams.token: the keys of its issuer cannot be read now; retry after 10 seconds.';
    expect(await socket.closed).toEqual([1013, message]);
    expect(world.gateway.log.find(({ transport }) => transport === 'websocket')).toMatchObject({
      code: 1013,
      reason: 'TryAgainLater',
      errorCodes: ['AUTHENTICATION_UNAVAILABLE'],
    });
  });
});

describe('an answer of the issuer is not accepted', () => {
  it.each<[string, (issuer: World['issuer']) => void, RegExp]>([
    [
      'with another issuer',
      ({ document, url }) => Object.assign(document, { issuer: `${url}/` }),
      /expected exactly http/,
    ],
    [
      'with keys over plain http',
      ({ document }) => Object.assign(document, { jwks_uri: 'http://id.example/keys' }),
      /invalid jwks_uri/,
    ],
    [
      'with keys in a file',
      ({ document }) => Object.assign(document, { jwks_uri: 'file:///etc/keys' }),
      /invalid jwks_uri/,
    ],
    [
      'without keys',
      ({ document }) => Object.assign(document, { jwks_uri: undefined }),
      /does not send the expected JSON/,
    ],
    [
      'that is a redirect',
      ({ failAll }) => failAll(fail(302, { location: 'https://id.example' })),
      /status 302; expected 200, without a redirect/,
    ],
    [
      'that is no JSON',
      ({ failAll }) => failAll((_, response) => response.end('<html>')),
      /does not send the expected JSON/,
    ],
    [
      'without members',
      ({ failAll }) => failAll((_, response) => response.end('null')),
      /does not send the expected JSON/,
    ],
    [
      'that is too large',
      ({ failAll }) => failAll((_, response) => response.end(`"${'x'.repeat(300_000)}"`)),
      /sends more than 262144 bytes/,
    ],
    ['that is cut off', ({ failAll }) => failAll((_, { socket }) => socket?.destroy()), /./],
  ])('%s', async (_, arrange, reason) => {
    await using issuer = await startIssuer();
    arrange(issuer);
    await using world = await startJwtWorld({ JWT_ISSUERS: issuer.url });
    await until(() => world.outages().length === 1);
    expect(world.outages()[0]?.['reason']).toMatch(reason);
    const exp = Math.floor(world.clock.timeOfDay() / 1000) + 60;
    expect((await world.ask(await issuer.sign({ exp }), WHO)).status).toBe(503);
  });
});
