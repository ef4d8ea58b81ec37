import { describe, expect, it } from 'vitest';
import { readConfig, secretsOf } from '../../../src/config/config.ts';
import { faultsOf } from '../../kit/process/config-faults.ts';

const KEY = { OPENAI_API_KEY: 'any-text' };

describe('the upstream', () => {
  it('is the sandbox without a key, and OpenAI with one', () => {
    expect(readConfig({}).upstream).toEqual({ kind: 'sandbox', port: 0, speed: 10, seed: 1, dialect: 'openai' });
    const { upstream } = readConfig({ ...KEY, OPENAI_ORG_ID: 'org-a', OPENAI_PROJECT_ID: 'proj-b' });
    expect(upstream).toEqual({
      kind: 'openai',
      baseUrl: new URL('https://api.openai.com/v1'),
      credential: { apiKey: 'any-text', organizationId: 'org-a', projectId: 'proj-b' },
    });
  });

  it('keeps the key of an administrator apart from the other, and as secret', () => {
    const config = readConfig({ ...KEY, OPENAI_ADMIN_KEY: 'admin-text' });
    expect(config.upstream).toMatchObject({ credential: { apiKey: 'any-text', adminKey: 'admin-text' } });
    expect(secretsOf(config)).toEqual(['any-text', 'admin-text']);
    expect(faultsOf({ ...KEY, OPENAI_ADMIN_KEY: 'a b' })).toEqual([
      expect.stringMatching(/^OPENAI_ADMIN_KEY: expected/),
    ]);
  });

  it('is the sandbox with a key when UPSTREAM says so, and the key goes nowhere', () => {
    expect(readConfig({ ...KEY, UPSTREAM: 'sandbox', SANDBOX_SPEED: '2.5' }).upstream).toEqual({
      kind: 'sandbox',
      port: 0,
      speed: 2.5,
      seed: 1,
      dialect: 'openai',
    });
  });

  it('is the sandbox as whose server SANDBOX_DIALECT says', () => {
    expect(readConfig({ SANDBOX_DIALECT: 'azure' }).upstream).toMatchObject({ kind: 'sandbox', dialect: 'azure' });
  });

  it.each([
    [{ NODE_ENV: 'production' }],
    [{ UPSTREAM: 'openai' }],
    [{ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' }],
    [{ OPENAI_API_KEY: '', UPSTREAM: 'openai' }],
  ])('is a fault when a real one is meant and there is no key: %j', (environment) => {
    expect(faultsOf(environment)).toEqual([expect.stringMatching(/^OPENAI_API_KEY: expected the upstream credential/)]);
  });

  it('may be the sandbox in production when it is named', () => {
    expect(readConfig({ NODE_ENV: 'production', UPSTREAM: 'sandbox' }).upstream.kind).toBe('sandbox');
  });
});

describe('Azure', () => {
  const AZURE = { AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com', AZURE_OPENAI_API_KEY: 'any-text' };
  const VERSION = { OPENAI_API_VERSION: '2024-10-21' };

  it('is the upstream when its settings are there', () => {
    expect(readConfig({ ...AZURE, ...VERSION }).upstream).toEqual({
      kind: 'azure',
      baseUrl: new URL('https://mine.openai.azure.com/openai?api-version=2024-10-21'),
      credential: { apiKey: 'any-text' },
    });
  });

  it.each([
    ['https://mine.openai.azure.com/', 'https://mine.openai.azure.com/openai?api-version=2024-10-21'],
    ['https://mine.openai.azure.com/openai', 'https://mine.openai.azure.com/openai?api-version=2024-10-21'],
    ['https://proxy.example/azure/', 'https://proxy.example/azure/openai?api-version=2024-10-21'],
  ])('begins at %s where it is told', (AZURE_OPENAI_ENDPOINT, baseUrl) => {
    const { upstream } = readConfig({ ...AZURE, AZURE_OPENAI_ENDPOINT, ...VERSION });
    expect(upstream.kind === 'azure' && upstream.baseUrl.href).toBe(baseUrl);
  });

  it('needs no version for its newer API', () => {
    const { upstream } = readConfig({ ...AZURE, AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com/openai/v1/' });
    expect(upstream.kind === 'azure' && upstream.baseUrl.href).toBe('https://mine.openai.azure.com/openai/v1');
  });

  it('names everything that is missing', () => {
    expect(faultsOf({ UPSTREAM: 'azure' })).toEqual([
      expect.stringMatching(/^AZURE_OPENAI_ENDPOINT: expected/),
      expect.stringMatching(/^AZURE_OPENAI_API_KEY: expected/),
      expect.stringMatching(/^OPENAI_API_VERSION: expected/),
    ]);
  });

  it('has to be chosen where there is a key for OpenAI too', () => {
    expect(faultsOf({ ...KEY, ...AZURE, ...VERSION })).toEqual([
      'UPSTREAM: expected openai or azure, as there are settings for both',
    ]);
    expect(readConfig({ ...KEY, ...AZURE, ...VERSION, UPSTREAM: 'openai' }).upstream.kind).toBe('openai');
  });

  it('keeps its key secret too', () => {
    expect(secretsOf(readConfig({ ...AZURE, ...VERSION }))).toEqual(['any-text']);
  });

  it('is not bound beyond loopback', () => {
    expect(faultsOf({ ...AZURE, ...VERSION, HOST: '0.0.0.0' })).toEqual([expect.stringMatching(/^HOST: expected/)]);
  });
});

describe('webhooks', () => {
  const SECRET = 'whsec_YW55LXRleHQtYXQtYWxs';
  const SENT = { SANDBOX_WEBHOOK_URL: 'http://127.0.0.1:1/hooks' };

  it('are signed with what is secret, with its prefix or without', () => {
    expect(readConfig({ OPENAI_WEBHOOK_SECRET: SECRET }).webhookSecret).toBe(SECRET);
    expect(secretsOf(readConfig({ ...KEY, OPENAI_WEBHOOK_SECRET: SECRET }))).toEqual([SECRET.slice(6), 'any-text']);
    expect(secretsOf(readConfig({ ...SENT, SANDBOX_WEBHOOK_SECRET: SECRET }))).toEqual([SECRET.slice(6)]);
    expect(secretsOf(readConfig({ SANDBOX_ADMIN_KEY: 'an-admin' }))).toEqual(['an-admin']);
  });

  it('of the sandbox need a secret when they go elsewhere, as who gets them has to know it', () => {
    expect(faultsOf(SENT)).toEqual([expect.stringMatching(/^SANDBOX_WEBHOOK_SECRET: expected/)]);
    expect(faultsOf({ ...SENT, ...KEY })).toEqual([]);
  });
});

describe('binding beyond loopback', () => {
  it.each(['127.0.0.1', '127.0.0.53', '::1', 'localhost'])('is no matter on %s', (HOST) => {
    expect(faultsOf({ ...KEY, HOST })).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '10.0.0.5', 'gateway.example', '127.evil.example', '1270.0.0.1'])(
    'is refused with a real credential: %s',
    (HOST) => {
      expect(faultsOf({ ...KEY, HOST })).toEqual([expect.stringMatching(/^HOST: expected a loopback address/)]);
    },
  );

  it('is allowed to the sandbox', () => {
    expect(faultsOf({ HOST: '0.0.0.0' })).toEqual([]);
    expect(faultsOf({ HOST: '0.0.0.0', ...KEY, UPSTREAM: 'sandbox' })).toEqual([]);
  });
});

describe('a variable', () => {
  it.each([
    ['PORT', ['-1', '65536', '80.5', 'http', '0x10', ' 80', '1e3']],
    ['ALLOWED_HOSTS', ['http://a', 'a:80', ',', '*']],
    ['OPENAI_BASE_URL', ['openai.com', 'ftp://a/', 'http://user:pass@a/v1', 'http://a/v1?x=1', 'http://a/#b']],
    ['OPENAI_API_KEY', ['two words', 'line\nbreak', 'ключ', 'quo"te', 'back\\slash']],
    ['OPENAI_ORG_ID', ['a\r\nb']],
    ['UPSTREAM', ['azure2', 'OPENAI']],
    ['UPSTREAM_TIMEOUT_MS', ['0', '600001']],
    ['UPSTREAM_CONNECTIONS', ['0', '1025']],
    ['CACHE_ACTIVE_MS', ['-1', '1s']],
    ['CACHE_MAX_MB', ['0']],
    ['SANDBOX_SPEED', ['0', 'fast', '-1']],
    ['SANDBOX_SEED', ['a', '1.5']],
    ['OPENAI_WEBHOOK_SECRET', ['whsec_', 'whsec_no base64', 'whsec_a!b?c#d$e', 'short', 'quo"te-quote']],
    ['LOG_LEVEL', ['verbose']],
  ])('%s is refused by its name when it is not what was expected', (name, values) => {
    for (const value of values) {
      const faults = faultsOf({ OPENAI_API_KEY: 'k', [name]: value });
      expect(faults, value).toEqual([expect.stringMatching(new RegExp(`^${name}: expected`))]);
      expect(faults[0], value).not.toContain(`${value}"`);
    }
  });

  it('that is empty counts as unset', () => {
    expect(readConfig({ PORT: '', OPENAI_API_KEY: '', LOG_LEVEL: '' })).toEqual(readConfig({}));
  });

  it('may not say the key in two ways', () => {
    expect(faultsOf({ ...KEY, OPENAI_API_KEY_FILE: '/key' })).toEqual([
      expect.stringMatching(/^OPENAI_API_KEY_FILE: expected to be unset/),
    ]);
  });

  it('may not name a key file that is not there', () => {
    expect(faultsOf({ OPENAI_API_KEY_FILE: '/nowhere/key' })).toEqual([
      expect.stringMatching(/^OPENAI_API_KEY_FILE: expected the path/),
    ]);
  });

  it('ALLOWED_HOSTS adds names in any case to those of loopback', () => {
    expect(readConfig({}).allowedHosts).toEqual(['localhost', '127.0.0.1', '[::1]']);
    expect(readConfig({ HOST: '127.0.0.2' }).allowedHosts).toContain('127.0.0.2');
    expect(readConfig({ ALLOWED_HOSTS: 'Tuning.example, tuning2,' }).allowedHosts).toEqual([
      'localhost',
      '127.0.0.1',
      '[::1]',
      'tuning.example',
      'tuning2',
    ]);
  });
});
