import { describe, expect, it } from 'vitest';
import { parseProxy, proxyFor } from '../../../src/network/proxy.ts';

const HTTP = parseProxy('http://plain.example:3128', 'HTTP_PROXY');
const HTTPS = parseProxy('http://secure.example:3128', 'HTTPS_PROXY');
const nameFor = (url: string, noProxy = '') => proxyFor(new URL(url), { http: HTTP, https: HTTPS, noProxy })?.setting;

describe('the proxy of an origin', () => {
  it('depends on the scheme of its URL', () => {
    expect(nameFor('https://api.example/v1')).toBe('HTTPS_PROXY');
    expect(nameFor('http://api.example/v1')).toBe('HTTP_PROXY');
  });

  it.each([
    ['*', 'https://api.example'],
    ['none.example, *', 'https://api.example'],
    ['api.example', 'https://api.example'],
    ['API.example', 'https://api.example.'],
    ['example', 'https://api.example'],
    ['.example', 'https://api.example'],
    ['*.example', 'https://api.example'],
    ['a.example b.example\tapi.example', 'https://api.example'],
    ['api.example:443', 'https://api.example'],
    ['*:8443', 'https://api.example:8443'],
    ['10.0.0.5', 'http://10.0.0.5:8000'],
    ['10.0.0.5:8000', 'http://10.0.0.5:8000'],
    ['[fd00::5]:8000', 'http://[fd00::5]:8000'],
    ['fd00::5', 'http://[fd00::5]'],
  ])('is none with NO_PROXY=%s for %s', (noProxy, url) => {
    expect(nameFor(url, noProxy)).toBeUndefined();
  });

  it.each([
    ['', 'https://api.example'],
    ['pi.example', 'https://api.example'],
    ['*.api.example', 'https://api.example'],
    ['api.example:80', 'https://api.example'],
    ['*:8443', 'https://api.example'],
    ['10.0.0.50', 'http://10.0.0.5:8000'],
    ['api.example.evil', 'https://api.example'],
  ])('is used with NO_PROXY=%s for %s', (noProxy, url) => {
    expect(nameFor(url, noProxy)).toBeDefined();
  });

  it.each(['http://localhost:1', 'https://a.localhost', 'http://127.8.9.1', 'http://[::1]:1'])(
    'is none for %s, which is this machine',
    (url) => expect(nameFor(url)).toBeUndefined(),
  );

  it.each(['localhost.example', '127.0.0.1.example'])('is used for %s', (host) => {
    expect(nameFor(`http://${host}`)).toBeDefined();
  });
});

describe('the URL of a proxy', () => {
  it('has its user and password decoded, and not in its name', () => {
    const proxy = parseProxy('http://a%40b:c%3Ad@proxy.example', 'HTTPS_PROXY');
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from('a@b:c:d').toString('base64')}`);
    expect([proxy?.name, proxy?.port]).toEqual(['http://proxy.example', 80]);
  });

  it.each(['socks5://proxy.example', 'http://', 'http://%zz:1@proxy', 'a b'])('is not %s', (text) => {
    expect(parseProxy(text, 'HTTP_PROXY')).toBeNull();
  });
});
