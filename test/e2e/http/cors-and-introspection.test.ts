import { describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

// What an operator can turn on and off: CORS, introspection, GraphiQL.

const BODY = JSON.stringify({ query: '{ __typename }' });
const ANSWER = { data: { __typename: 'Query' } };
const HTML = { accept: 'text/html,*/*;q=0.8' };

const post = ({ url }: TestGateway, headers: Record<string, string>, body = BODY) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

describe('a page of an origin in CORS_ORIGINS', () => {
  const origin = 'https://app.example';
  const start = () => startGateway({ CORS_ORIGINS: 'https://app.example:443, http://other.example:8080' });

  it('may ask and read the answers, refusals too, without cookies', async () => {
    await using gateway = await start();
    const permission = {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': expect.stringContaining('x-request-id'),
    };
    const answer = await post(gateway, { origin });
    expect([answer.status, await answer.json()]).toEqual([200, ANSWER]);
    expect(corsOf(answer)).toEqual(permission);
    const query = `${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}`;
    const got = await fetch(query, { headers: { origin, 'sec-fetch-site': 'cross-site' } });
    expect([got.status, await got.json()]).toEqual([200, ANSWER]);
    expect(corsOf(got)).toEqual(permission);
    const refused = await post(gateway, { origin }, '{');
    expect([refused.status, corsOf(refused)]).toEqual([400, permission]);
  });

  it('gets leave beforehand for what it wants to send', async () => {
    await using gateway = await start();
    const answer = await fetch(gateway.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(corsOf(answer)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '7200',
    });
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toMatch(/\borigin$/);
  });

  it('is told apart by caches from all others', async () => {
    await using gateway = await start();
    for (const headers of [{ origin }, {}]) {
      expect((await post(gateway, headers)).headers.get('vary')).toBe('accept, origin');
    }
  });

  it.each([
    'http://app.example',
    'https://app.example:444',
    'https://app.example.evil.example',
    'https://evil.example',
    'https://other.example:8080',
    'null',
  ])('is not %s', async (other) => {
    await using gateway = await start();
    const query = `${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}`;
    const preflight = { 'access-control-request-method': 'POST', origin: other };
    const answers = [
      await post(gateway, { origin: other }),
      await fetch(query, { headers: { origin: other } }),
      await fetch(gateway.url, { method: 'OPTIONS', headers: preflight }),
    ];
    for (const answer of answers) expect([answer.status, corsOf(answer)]).toEqual([403, {}]);
  });

  it('opens nothing to an image of another site', async () => {
    await using gateway = await start();
    const query = `${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}`;
    const answer = await fetch(query, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect([answer.status, corsOf(answer)]).toEqual([403, {}]);
  });
});

describe('INTROSPECTION=off', () => {
  const start = () => startGateway({ INTROSPECTION: 'off' });

  it.each([
    ['__schema', '{ __schema { types { name } } }'],
    ['__type', '{ a: __type(name: "File") { name } }'],
    ['__schema', 'query { ...F } fragment F on Query { ... on Query { __schema { queryType { name } } } }'],
  ])('refuses %s: %s', async (name, query) => {
    await using gateway = await start();
    expect(await gateway.query(query)).toEqual({
      errors: [
        expect.objectContaining({
          message: `${name}: the schema cannot be asked for here.`,
          extensions: { code: 'INTROSPECTION_DISABLED' },
        }),
      ],
    });
  });

  it('leaves __typename, and every query', async () => {
    await using gateway = await start();
    expect(await gateway.query('{ __typename gateway { __typename isSandbox } }')).toEqual({
      data: { __typename: 'Query', gateway: { __typename: 'Gateway', isSandbox: true } },
    });
  });

  // Each names something that is nearly there, in a place where GraphQL would help.
  const SLIPS: [what: string, query: string, variables?: Record<string, unknown>][] = [
    ['a field', '{ fineTuningJob(id: "1") { statu } }'],
    ['an argument', '{ fineTuningJobs(firs: 1) { scannedCount } }'],
    ['a type', '{ node(id: "1") { ... on Filee { id } } }'],
    ['an enum value', '{ files(order: ASCC) { edges { cursor } } }'],
    ['an input field', '{ fineTuningJobs(filter: { status: [FAILED] }) { scannedCount } }'],
    ['an enum value in a variable', 'query ($o: SortOrder) { files(order: $o) { edges { cursor } } }', { o: 'ASCC' }],
    [
      'an input field in a variable',
      'query ($f: FineTuningJobFilter) { fineTuningJobs(filter: $f) { scannedCount } }',
      { f: { status: [] } },
    ],
  ];

  it.each(SLIPS)('suggests nothing in place of %s', async (_, query, variables) => {
    await using open = await startGateway();
    await using closed = await start();
    const messageOf = async (gateway: TestGateway) => (await gateway.query(query, variables)).errors?.[0]?.message;
    expect(await messageOf(open)).toMatch(/Did you mean/);
    const message = await messageOf(closed);
    expect(message).toEqual(expect.any(String));
    expect(message).not.toMatch(/Did you mean/);
  });
});

describe('GraphiQL', () => {
  it('is off with GRAPHIQL=off, and then a browser is answered as any client', async () => {
    await using gateway = await startGateway({ GRAPHIQL: 'off' });
    const answer = await fetch(gateway.url, { headers: HTML });
    expect([answer.status, (await answer.json()).errors[0].extensions]).toEqual([400, { code: 'BAD_REQUEST' }]);
    expect((await post(gateway, {})).status).toBe(200);
  });

  it('is there for HEAD as for GET', async () => {
    await using gateway = await startGateway();
    const [got, head] = [
      await fetch(gateway.url, { headers: HTML }),
      await fetch(gateway.url, { headers: HTML, method: 'HEAD' }),
    ];
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['content-type', 'content-security-policy', 'etag']) {
      expect(head.headers.get(name)).toBe(got.headers.get(name));
    }
  });

  it('runs no script but its own, loads nothing, and is in no frame', async () => {
    await using gateway = await startGateway();
    const { headers } = await fetch(gateway.url, { headers: HTML });
    const policy = new Map(
      headers
        .get('content-security-policy')
        ?.split('; ')
        .map((text) => {
          const [name = '', ...values] = text.split(' ');
          return [name, values];
        }),
    );
    expect(policy.get('default-src')).toEqual(["'none'"]);
    const scripts = policy.get('script-src') ?? [];
    expect(scripts).toHaveLength(2); // GraphiQL, and what asks for a token.
    for (const script of scripts) expect(script).toMatch(/^'sha256-[\w+/]{43}='$/);
    expect(policy.get('connect-src')).toEqual(["'self'"]);
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) expect(policy.get(name)).toEqual(["'none'"]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
  });
});

it('every answer says that it is what it says, for nobody to embed, and tells no other site whence one came', async () => {
  await using gateway = await startGateway();
  const answers = [await post(gateway, {}), await post(gateway, {}, '{'), await fetch(new URL('/health', gateway.url))];
  for (const { headers } of answers) {
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers.get('strict-transport-security')).toBeNull();
  }
});
