import { describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

// Features that an operator can turn on and off: CORS, introspection and GraphiQL.

const BODY = JSON.stringify({ query: '{ __typename }' });
const RESULT = { data: { __typename: 'Query' } };
const HTML = { accept: 'text/html,*/*;q=0.8' };

const post = ({ url }: TestGateway, headers: Record<string, string>, body = BODY) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

describe('a page of an origin in CORS_ORIGINS', () => {
  const origin = 'https://app.example';
  const start = () => startGateway({ CORS_ORIGINS: 'https://app.example:443, http://other.example:8080' });

  it('may send requests and read the responses, also of rejected requests, without cookies', async () => {
    await using gateway = await start();
    const permission = {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': expect.stringContaining('x-request-id'),
    };
    const posted = await post(gateway, { origin });
    expect([posted.status, await posted.json()]).toEqual([200, RESULT]);
    expect(corsOf(posted)).toEqual(permission);
    const query = `${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}`;
    const got = await fetch(query, { headers: { origin, 'sec-fetch-site': 'cross-site' } });
    expect([got.status, await got.json()]).toEqual([200, RESULT]);
    expect(corsOf(got)).toEqual(permission);
    const rejected = await post(gateway, { origin }, '{');
    expect([rejected.status, corsOf(rejected)]).toEqual([400, permission]);
  });

  it('gets permission for the requested headers by a preflight', async () => {
    await using gateway = await start();
    const response = await fetch(gateway.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(corsOf(response)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '7200',
    });
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect(response.headers.get('vary')).toMatch(/\borigin$/);
  });

  it('gets `vary: origin`, as every other origin does', async () => {
    await using gateway = await start();
    for (const headers of [{ origin }, {}]) {
      expect((await post(gateway, headers)).headers.get('vary')).toBe('accept, accept-encoding, origin');
    }
  });

  it.each([
    'http://app.example',
    'https://app.example:444',
    'https://app.example.evil.example',
    'https://evil.example',
    'https://other.example:8080',
    'null',
  ])('does not include %s', async (other) => {
    await using gateway = await start();
    const query = `${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}`;
    const preflight = { 'access-control-request-method': 'POST', origin: other };
    const responses = [
      await post(gateway, { origin: other }),
      await fetch(query, { headers: { origin: other } }),
      await fetch(gateway.url, { method: 'OPTIONS', headers: preflight }),
    ];
    for (const response of responses) expect([response.status, corsOf(response)]).toEqual([403, {}]);
  });

  it('does not allow an image of another site', async () => {
    await using gateway = await start();
    const query = `${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}`;
    const response = await fetch(query, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect([response.status, corsOf(response)]).toEqual([403, {}]);
  });
});

describe('INTROSPECTION=off', () => {
  const start = () => startGateway({ INTROSPECTION: 'off' });

  it.each([
    ['__schema', '{ __schema { types { name } } }'],
    ['__type', '{ a: __type(name: "File") { name } }'],
    ['__schema', 'query { ...F } fragment F on Query { ... on Query { __schema { queryType { name } } } }'],
  ])('rejects %s: %s', async (name, query) => {
    await using gateway = await start();
    expect(await gateway.query(query)).toEqual({
      errors: [
        expect.objectContaining({
          message: `${name}: introspection is off (INTROSPECTION); use the published schema.graphql.`,
          extensions: { code: 'INTROSPECTION_DISABLED' },
        }),
      ],
    });
  });

  it('allows __typename and all queries', async () => {
    await using gateway = await start();
    expect(await gateway.query('{ __typename gateway { __typename isSandbox } }')).toEqual({
      data: { __typename: 'Query', gateway: { __typename: 'Gateway', isSandbox: true } },
    });
  });

  // Names that are similar to existing ones, where GraphQL makes suggestions.
  const TYPING_ERRORS: [kind: string, query: string, variables?: Record<string, unknown>][] = [
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

  it.each(TYPING_ERRORS)('suggests no similar name for %s', async (_, query, variables) => {
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
  it('is off with GRAPHIQL=off, and a browser gets the same response as any client', async () => {
    await using gateway = await startGateway({ GRAPHIQL: 'off' });
    const response = await fetch(gateway.url, { headers: HTML });
    expect([response.status, (await response.json()).errors[0].extensions]).toEqual([400, { code: 'BAD_REQUEST' }]);
    expect((await post(gateway, {})).status).toBe(200);
  });

  it('responds to HEAD as to GET', async () => {
    await using gateway = await startGateway();
    const [get, head] = [
      await fetch(gateway.url, { headers: HTML }),
      await fetch(gateway.url, { headers: HTML, method: 'HEAD' }),
    ];
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['content-type', 'content-security-policy', 'etag']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
  });

  it('allows only its own scripts, loads nothing, and cannot be framed', async () => {
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
    expect(scripts).toHaveLength(2); // GraphiQL and the token dialog.
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

it('every response forbids sniffing, embedding and referrers', async () => {
  await using gateway = await startGateway();
  const responses = [
    await post(gateway, {}),
    await post(gateway, {}, '{'),
    await fetch(new URL('/health', gateway.url)),
  ];
  for (const { headers } of responses) {
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers.get('strict-transport-security')).toBeNull();
  }
});
