import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { until } from '../../kit/until.ts';

const QUERY = { query: '{ __typename }' };
const JOBS = 'subscription { anyFineTuningJobStatusChanged { status } }';

const forwarded = (address: string, more: Record<string, string> = {}) => ({ 'x-forwarded-for': address, ...more });

/** The part of the log line of a request that is about its client. */
async function loggedClient(settings: Record<string, string>, headers: Record<string, string>) {
  await using gateway = await startGateway(settings);
  await post(gateway.url, QUERY, headers);
  await until(() => gateway.log.some(({ msg }) => msg === 'request'));
  const { address, scheme } = gateway.log.find(({ msg }) => msg === 'request') ?? {};
  return [address, scheme];
}

describe('TRUST_PROXY', () => {
  it.each<[string, string, string, string[]]>([
    ['the peer of the proxy', 'loopback', '203.0.113.7', ['203.0.113.7', 'http']],
    [
      'the rightmost address, not one that the client wrote',
      'loopback',
      '6.6.6.6, 203.0.113.7',
      ['203.0.113.7', 'http'],
    ],
    [
      'the client of a chain of trusted proxies',
      'loopback, 10.0.0.0/8',
      '6.6.6.6, 203.0.113.7, 10.1.2.3',
      ['203.0.113.7', 'http'],
    ],
    ['the first one when all are trusted', 'loopback,10.0.0.0/8', '10.0.0.1, 10.0.0.2', ['10.0.0.1', 'http']],
    ['an address with a port', '127.0.0.1', '203.0.113.7:4711', ['203.0.113.7', 'http']],
    ['IPv6', '127.0.0.0/8', '2001:db8::7', ['2001:db8::7', 'http']],
    ['IPv6 with a port', 'loopback', '[2001:db8::7]:4711', ['2001:db8::7', 'http']],
    ['IPv4 in IPv6', 'loopback', '::ffff:203.0.113.7', ['203.0.113.7', 'http']],
    ['the proxy, when the entry is malformed', 'loopback', '203.0.113.7, unknown', ['127.0.0.1', 'http']],
    ['the last valid hop before a malformed one', 'loopback,10.0.0.0/8', '1.2.3, 10.0.0.9', ['10.0.0.9', 'http']],
    ['the proxy, when the header is empty', 'loopback', ' , ', ['127.0.0.1', 'http']],
    ['an address without a zone', 'loopback', 'fe80::1%"}', ['127.0.0.1', 'http']],
    ['the peer, when it is not trusted', '10.0.0.0/8', '203.0.113.7', ['127.0.0.1', 'http']],
  ])('logs %s', async (_, TRUST_PROXY, header, expected) => {
    expect(await loggedClient({ TRUST_PROXY }, forwarded(header, { 'x-forwarded-proto': 'http' }))).toEqual(expected);
  });

  it.each([
    ['https', '203.0.113.7', 'https'],
    ['http, https', '203.0.113.7', 'https'],
    ['https, http', '203.0.113.7, 127.0.0.9', 'https'],
    ['https', '203.0.113.7, 127.0.0.9', 'https'],
    ['javascript', '203.0.113.7', 'http'],
    ['', '203.0.113.7', 'http'],
  ])('logs the scheme of X-Forwarded-Proto: %s', async (proto, address, scheme) => {
    const headers = forwarded(address, { 'x-forwarded-proto': proto });
    expect(await loggedClient({ TRUST_PROXY: 'loopback' }, headers)).toEqual(['203.0.113.7', scheme]);
  });

  it('ignores both headers when it is off, and those of a peer that is not trusted', async () => {
    const headers = forwarded('203.0.113.7', { 'x-forwarded-proto': 'https' });
    for (const settings of [{}, { TRUST_PROXY: 'off' }]) {
      expect(await loggedClient(settings, headers)).toEqual(['127.0.0.1', undefined]);
    }
    expect(await loggedClient({ TRUST_PROXY: '192.0.2.1' }, headers)).toEqual(['127.0.0.1', 'http']);
  });

  it('gives each client its own points, however many addresses it writes itself', async () => {
    await using gateway = await startGateway({ TRUST_PROXY: 'loopback', RATE_LIMIT_PER_MINUTE: '1' });
    const statusOf = async (address: string) => (await post(gateway.url, QUERY, forwarded(address))).status;
    expect(await statusOf('203.0.113.7')).toBe(200);
    expect(await statusOf('6.6.6.6, 203.0.113.7')).toBe(429);
    expect(await statusOf('203.0.113.8')).toBe(200);
    expect(await statusOf('2001:db8::7')).toBe(200);
    expect(await statusOf('2001:db8::8')).toBe(429); // The same /64.
  });

  it('counts subscriptions of server-sent events, multipart and WebSockets together, by client', async () => {
    await using opened = new AsyncDisposableStack();
    const gateway = opened.use(
      await startGateway({ TRUST_PROXY: 'loopback', MAX_SUBSCRIPTIONS_PER_CALLER: '1', HEARTBEAT_MS: '100' }),
    );
    const codeFor = async (address: string, accept: string) => {
      const { body } = await post(gateway.url, { query: JOBS }, forwarded(address, { accept }));
      return body.errors?.[0]?.extensions['code'];
    };
    const bySocket = async (address: string) => {
      const client = opened.use(await openSocket(gateway.url, { headers: forwarded(address) }));
      client.send(subscribe('1', JOBS));
      return client;
    };
    const groups = () => gateway.load().groups;
    opened.use(await openSse(gateway.url, { query: JOBS }, forwarded('203.0.113.1')));
    await until(() => groups() === 1);
    expect(await codeFor('6.6.6.6, 203.0.113.1', 'text/event-stream')).toBe('RATE_LIMITED');
    expect(await codeFor('203.0.113.1', 'multipart/mixed;subscriptionSpec="1.0"')).toBe('RATE_LIMITED');
    const refused = await bySocket('203.0.113.1');
    expect(await refused.next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] });
    await until(() => gateway.log.some(({ msg, address }) => msg === 'operation' && address === '203.0.113.1'));
    const allowed = await bySocket('203.0.113.2');
    allowed.send({ type: 'ping' });
    expect(await allowed.next()).not.toMatchObject({ type: 'error' });
  });

  it('is the scheme and host of a page that opens a WebSocket, from a trusted peer only', async () => {
    const page = {
      origin: 'https://tuning.example',
      'x-forwarded-host': 'tuning.example',
      'x-forwarded-proto': 'https',
    };
    const settings = { ALLOWED_HOSTS: 'tuning.example' };
    await using trusting = await startGateway({ ...settings, TRUST_PROXY: 'loopback' });
    using client = await openSocket(trusting.url, { headers: page });
    client.send(subscribe('1', '{ __typename }'));
    expect(await client.next()).toMatchObject({ type: 'next' });
    const plain = openSocket(trusting.url, { headers: { ...page, 'x-forwarded-proto': 'http' } });
    await expect(plain).rejects.toThrow('403');
    await using other = await startGateway({ ...settings, TRUST_PROXY: '192.0.2.1' });
    await expect(openSocket(other.url, { headers: page })).rejects.toThrow('403');
    await until(() => other.log.some(({ msg, address }) => msg === 'request rejected' && address === '127.0.0.1'));
  });

  it('keeps the connections of a proxy above MAX_CONNECTIONS_PER_ADDRESS', async () => {
    const limits = { MAX_CONNECTIONS: '3', MAX_CONNECTIONS_PER_ADDRESS: '1' };
    const outcomeBeside = async (settings: Record<string, string>) => {
      await using opened = new AsyncDisposableStack();
      const gateway = opened.use(await startGateway({ ...limits, ...settings }));
      for (let count = 0; count < 3; count++) opened.use(await openSse(gateway.url, { query: JOBS }));
      return await outcomeFrom('127.0.0.2', gateway.url);
    };
    expect(await outcomeBeside({})).toBe(200);
    expect(await outcomeBeside({ TRUST_PROXY: '127.0.0.1' })).toBe('ECONNRESET');
  });

  it.each(['loopback,', 'proxy.example', '10.0.0.0/33', 'off,10.0.0.1', '10.0.1'])('is not %s', async (TRUST_PROXY) => {
    await expect(startGateway({ TRUST_PROXY })).rejects.toThrow(/^TRUST_PROXY: .* is not off, or addresses/);
  });
});

/** The status of a health check from this address, or the code of the error. */
function outcomeFrom(localAddress: string, url: string): Promise<unknown> {
  return new Promise((resolve) => {
    request(new URL('/health', url), { localAddress, agent: false })
      .on('response', (response: IncomingMessage) => resolve(response.resume().statusCode))
      .on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      .end();
  });
}
