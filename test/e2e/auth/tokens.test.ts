import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateToken } from '../../../src/server/auth/token.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startScript } from '../../kit/process/process.ts';
import { askAs, type BearerResponse, tokenFile, tokenLine } from '../../kit/process/token.ts';

const JOB = '{ fineTuningJob(id: "ftjob-1") { id } }';
const RESULT = { fineTuningJob: { id: 'ftjob-1' } };

async function start() {
  const clock = createTestClock();
  const upstream = await startUpstream();
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  const list = tokenFile({ ann: 'viewer', bob: 'operator' });
  const settings = { OPENAI_BASE_URL: upstream.baseUrl, AUTH: 'tokens', AUTH_TOKENS_FILE: list.file };
  const gateway = await startGateway(settings, clock);
  return {
    clock,
    upstream,
    gateway,
    ...list,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

function expectUnauthenticated({ status, headers, data, errors }: BearerResponse) {
  expect([status, headers.get('www-authenticate'), data]).toEqual([401, 'Bearer', undefined]);
  expect(errors).toEqual([
    {
      message: expect.stringMatching(
        /^Authorization: (is (missing|malformed); send Authorization: Bearer TOKEN|the token is unknown or revoked; )/,
      ),
      extensions: { code: 'UNAUTHENTICATED' },
    },
  ]);
}

describe.each(['POST', 'GET'] as const)('a gateway with tokens, by %s', (method) => {
  it('accepts each token of its file', async () => {
    await using world = await start();
    for (const token of [world.tokens.ann, world.tokens.bob]) {
      const { status, data } = await askAs(world.gateway.url, `Bearer ${token}`, JOB, method);
      expect([status, data]).toEqual([200, RESULT]);
    }
  });

  it('accepts the scheme Bearer in any case', async () => {
    await using world = await start();
    expect((await askAs(world.gateway.url, `bearer ${world.tokens.ann}`, JOB, method)).data).toEqual(RESULT);
  });

  it('requires a token before it parses the document, and makes no upstream call', async () => {
    await using world = await start();
    for (const query of [JOB, '{', '{ nothing }', 'mutation { __typename }', '{ __schema { types { name } } }']) {
      expectUnauthenticated(await askAs(world.gateway.url, null, query, method));
    }
    expect(world.upstream.calls).toEqual([]);
  });

  it('rejects unknown and malformed tokens', async () => {
    await using world = await start();
    const { ann } = world.tokens;
    const wrong = [
      `Bearer ${generateToken()}`,
      `Bearer ${ann.slice(0, -1)}`,
      `Bearer ${ann}x`,
      `Bearer ${ann} ${ann}`,
      `Bearer "${ann}"`,
      `Bearer ${ann.toUpperCase()}`,
      `Bearer ${'x'.repeat(513)}`,
      'Bearer ann',
      'Bearer',
      'Bearer ',
      ann,
      `Basic ${btoa(`ann:${ann}`)}`,
      `Bearer${ann}`,
      `Bearer \u00fc${ann}`,
    ];
    for (const authorization of wrong) {
      expectUnauthenticated(await askAs(world.gateway.url, authorization, JOB, method));
    }
    expect(world.upstream.calls).toEqual([]);
  });

  it('rejects a token one second after its line is deleted', async () => {
    await using world = await start();
    const { gateway, clock, tokens, write } = world;
    const askWith = (token: string) => askAs(gateway.url, `Bearer ${token}`, JOB, method);
    expect((await askWith(tokens.ann)).status).toBe(200);
    write(tokenLine('bob', 'operator', tokens.bob));
    clock.advance(1000);
    expectUnauthenticated(await askWith(tokens.ann));
    expect((await askWith(tokens.bob)).status).toBe(200);
  });
});

describe('a gateway with tokens', () => {
  it('accepts a new token without a restart', async () => {
    await using world = await start();
    const token = generateToken();
    expect((await askAs(world.gateway.url, `Bearer ${token}`, JOB)).status).toBe(401);
    world.write(tokenLine('cem', 'viewer', token));
    world.clock.advance(1000);
    expect((await askAs(world.gateway.url, `Bearer ${token}`, JOB)).data).toEqual(RESULT);
  });

  it.each<[string, (file: string) => void]>([
    ['is deleted', () => {}],
    ['is a FIFO, which no program writes', (file) => execFileSync('mkfifo', [file])],
  ])('accepts no token while the file %s, logs it once, and stays responsive', async (_, replace) => {
    await using world = await start();
    const ask = () => askAs(world.gateway.url, `Bearer ${world.tokens.ann}`, JOB);
    expect((await ask()).status).toBe(200);
    const text = readFileSync(world.file, 'utf8');
    rmSync(world.file);
    replace(world.file);
    for (let i = 0; i < 3; i++) {
      world.clock.advance(1000);
      expectUnauthenticated(await ask());
    }
    expect(world.gateway.log.filter(({ msg }) => String(msg).includes('AUTH_TOKENS_FILE'))).toHaveLength(1);
    expect((await fetch(new URL('/ready', world.gateway.url))).status).toBe(200);
    rmSync(world.file, { force: true });
    world.write(text);
    world.clock.advance(1000);
    expect((await ask()).status).toBe(200);
  });

  it('accepts the tokens on valid lines, and none of an invalid line, whose number is logged', async () => {
    await using world = await start();
    const askWith = (token: string) => askAs(world.gateway.url, `Bearer ${token}`, JOB);
    const line = tokenLine('bob', 'operator', world.tokens.bob);
    world.write(`ann viewer ${world.tokens.ann}\n`, line);
    world.clock.advance(1000);
    expectUnauthenticated(await askWith(world.tokens.ann));
    expect((await askWith(world.tokens.bob)).status).toBe(200);
    expect(world.gateway.log.find(({ msg }) => String(msg).includes('AUTH_TOKENS_FILE'))).toMatchObject({
      level: 50,
      problems: [expect.stringMatching(/^line 1: SHA256 is invalid/)],
    });
  });

  it('serves the health probes and GraphiQL without a token', async () => {
    await using world = await start();
    const statuses = ['/health', '/ready', '/graphql'].map(async (path) => {
      const response = await fetch(new URL(path, world.gateway.url), { headers: { accept: 'text/html' } });
      return response.status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 200, 200]);
  });

  it('shares cached reads between its callers, which use one credential', async () => {
    await using world = await start();
    for (const token of Object.values(world.tokens)) await askAs(world.gateway.url, `Bearer ${token}`, JOB);
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('logs the name of the caller', async () => {
    await using world = await start();
    await askAs(world.gateway.url, `Bearer ${world.tokens.bob}`, JOB);
    await askAs(world.gateway.url, null, JOB);
    const lines = world.gateway.log.filter(({ msg }) => msg === 'request');
    expect(lines.map(({ status, viewer }) => [status, viewer])).toEqual([
      [200, 'bob'],
      [401, undefined],
    ]);
  });

  it('can listen on a public address with a real key', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer' });
    // 127.1 is 127.0.0.1 in a form that the configuration does not recognize as loopback.
    const settings = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', OPENAI_API_KEY: 'any-text', HOST: '127.1' };
    await expect(startGateway(settings)).rejects.toThrow(/^HOST: "127\.1" is not a loopback address/);
    await using gateway = await startGateway({ ...settings, AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    expect((await askAs(gateway.url, `Bearer ${tokens.ann}`, '{ __typename }')).status).toBe(200);
  });
});

describe('a gateway without authentication', () => {
  it('accepts any Authorization header', async () => {
    await using gateway = await startGateway({ AUTH: 'none' });
    for (const authorization of [null, 'Bearer any', 'Basic any', '"']) {
      const { status, data } = await askAs(gateway.url, authorization, '{ viewer { name role } }');
      expect([status, data]).toEqual([200, { viewer: { name: null, role: 'ADMIN' } }]);
    }
  });
});

it('no token and no key appear in a response, a log line or a message, even when the token list contains a token', async () => {
  const key = `test-${crypto.randomUUID()}`;
  const [misplaced, foreign] = [generateToken(), generateToken()];
  const { file, tokens, write } = tokenFile({ ann: 'viewer', bob: 'operator' });
  const settings = { PORT: '0', LOG_LEVEL: 'trace', OPENAI_API_KEY: key, AUTH: 'tokens', AUTH_TOKENS_FILE: file };
  await using upstream = await startUpstream();
  upstream.onJob(jobBody({ id: 'ftjob-1', user_provided_suffix: key }));
  await using gateway = startScript('src/main.ts', [], { ...settings, OPENAI_BASE_URL: upstream.baseUrl });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const received: string[] = [];
  const ask = async (authorization: string | null) => {
    for (const query of ['{ viewer { name } fineTuningJob(id: "ftjob-1") { suffix raw } }', '{ nothing }', '{']) {
      for (const method of ['POST', 'GET'] as const) {
        const { headers, ...rest } = await askAs(url, authorization, query, method);
        received.push(JSON.stringify([...headers]), JSON.stringify(rest));
      }
    }
  };
  for (const token of [tokens.ann, tokens.bob, foreign]) {
    for (const form of [`Bearer ${token}`, `Basic ${token}`, token, `Bearer "${token}"`]) await ask(form);
  }
  await ask(null);
  write(tokenLine('ann', 'viewer', tokens.ann), `cem viewer ${misplaced}\n`, `${misplaced} viewer ${'a'.repeat(64)}\n`);
  await expect
    .poll(
      async () => {
        await ask(`Bearer ${tokens.ann}`);
        return gateway.output.text;
      },
      { timeout: 15_000 },
    )
    .toContain('AUTH_TOKENS_FILE is invalid');
  gateway.signal('SIGTERM');
  await gateway.ended;
  await using second = startScript('src/main.ts', [], settings);
  expect(await second.ended).toBe(1);
  expect(second.output.text).toContain('AUTH_TOKENS_FILE: line 2: SHA256 is invalid; expected');
  const outputs = [...received, gateway.output.text, second.output.text];
  expect(received.join()).toContain('FORBIDDEN');
  for (const secret of [key, tokens.ann, tokens.bob, foreign, misplaced]) {
    expect(outputs.filter((text) => text.includes(secret.replace('fgw_', '')))).toEqual([]);
  }
}, 30_000);
