import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, secretsOf } from '../../../src/config/config.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { makeFolder } from '../../kit/process/folder.ts';

const KEY = { OPENAI_API_KEY: 'any-text' };

describe('the upstream', () => {
  it('is the sandbox without an API key, and OpenAI with one', () => {
    expect(readConfig({}).upstream).toEqual({ kind: 'sandbox', port: 0, speed: 10, seed: 1, dialect: 'openai' });
    const { upstream } = readConfig({ ...KEY, OPENAI_ORG_ID: 'org-a', OPENAI_PROJECT_ID: 'proj-b' });
    expect(upstream).toEqual({
      kind: 'openai',
      baseUrl: new URL('https://api.openai.com/v1'),
      credential: { apiKey: 'any-text', organizationId: 'org-a', projectId: 'proj-b' },
    });
  });

  it('has the admin key as a second secret', () => {
    const config = readConfig({ ...KEY, OPENAI_ADMIN_KEY: 'admin-text' });
    expect(config.upstream).toMatchObject({ credential: { apiKey: 'any-text', adminKey: 'admin-text' } });
    expect(secretsOf(config)).toEqual(['any-text', 'admin-text']);
    expect(problemsOf({ ...KEY, OPENAI_ADMIN_KEY: 'a b' })).toEqual([
      'OPENAI_ADMIN_KEY: the value is not visible ASCII characters without quotes and backslashes, such as sk-admin-abc123.',
    ]);
  });

  it('is the sandbox despite an API key with UPSTREAM=sandbox, and the key is not used', () => {
    expect(readConfig({ ...KEY, UPSTREAM: 'sandbox', SANDBOX_SPEED: '2.5' }).upstream).toEqual({
      kind: 'sandbox',
      port: 0,
      speed: 2.5,
      seed: 1,
      dialect: 'openai',
    });
  });

  it('is the sandbox in the dialect of SANDBOX_DIALECT', () => {
    expect(readConfig({ SANDBOX_DIALECT: 'azure' }).upstream).toMatchObject({ kind: 'sandbox', dialect: 'azure' });
  });

  it('reads a setting by its old name, unless the current name is set too', () => {
    expect(readConfig({ SANDBOX_FLAVOUR: 'azure' })).toEqual(readConfig({ SANDBOX_DIALECT: 'azure' }));
    expect(readConfig({ SANDBOX_FLAVOUR: 'azure', SANDBOX_DIALECT: 'openai' })).toEqual(readConfig({}));
  });

  it.each([
    [{ UPSTREAM: 'openai' }],
    [{ UPSTREAM: 'openai', NODE_ENV: 'production' }],
    [{ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' }],
    [{ OPENAI_API_KEY: '', UPSTREAM: 'openai' }],
  ])('requires an API key when a real server is meant: %j', (environment) => {
    expect(problemsOf(environment)).toEqual([
      'OPENAI_API_KEY: is not set; expected the API key of the upstream, such as sk-abc123 (any text for a server that needs none), or UPSTREAM=sandbox.',
    ]);
  });

  it('is the sandbox in production only with UPSTREAM=sandbox', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([
      'OPENAI_API_KEY: is not set; expected the API key of the upstream, such as sk-abc123 (any text for a server that needs none), or UPSTREAM=sandbox. NODE_ENV=production does not start the sandbox by itself.',
    ]);
    expect(readConfig({ NODE_ENV: 'production', UPSTREAM: 'sandbox' }).upstream.kind).toBe('sandbox');
  });
});

describe('Azure', () => {
  const AZURE = { AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com', AZURE_OPENAI_API_KEY: 'any-text' };
  const VERSION = { OPENAI_API_VERSION: '2024-10-21' };

  it('is the upstream when its settings are set', () => {
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
  ])('has the base URL of the endpoint %s', (AZURE_OPENAI_ENDPOINT, baseUrl) => {
    const { upstream } = readConfig({ ...AZURE, AZURE_OPENAI_ENDPOINT, ...VERSION });
    expect(upstream.kind === 'azure' && upstream.baseUrl.href).toBe(baseUrl);
  });

  it('needs no version for the v1 API', () => {
    const { upstream } = readConfig({ ...AZURE, AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com/openai/v1/' });
    expect(upstream.kind === 'azure' && upstream.baseUrl.href).toBe('https://mine.openai.azure.com/openai/v1');
  });

  it('reports every missing setting', () => {
    expect(problemsOf({ UPSTREAM: 'azure' })).toEqual([
      'AZURE_OPENAI_ENDPOINT: is not set; expected the endpoint of the resource, such as https://NAME.openai.azure.com.',
      'AZURE_OPENAI_API_KEY: is not set; expected the API key of the resource, such as abc123.',
      'OPENAI_API_VERSION: is not set; expected a version of the API, such as 2024-10-21.',
    ]);
  });

  it('has to be chosen when there is an API key for OpenAI too', () => {
    expect(problemsOf({ ...KEY, ...AZURE, ...VERSION })).toEqual([
      'UPSTREAM: is not set, but there are settings for OpenAI and for Azure; expected openai or azure.',
    ]);
    expect(readConfig({ ...KEY, ...AZURE, ...VERSION, UPSTREAM: 'openai' }).upstream.kind).toBe('openai');
  });

  it('has its API key as a secret', () => {
    expect(secretsOf(readConfig({ ...AZURE, ...VERSION }))).toEqual(['any-text']);
  });

  it('is not served beyond loopback addresses', () => {
    expect(problemsOf({ ...AZURE, ...VERSION, HOST: '0.0.0.0' })).toEqual([
      expect.stringMatching(/^HOST: "0\.0\.0\.0" is not a loopback address/),
    ]);
  });
});

describe('webhooks', () => {
  const SECRET = 'whsec_YW55LXRleHQtYXQtYWxs';
  const SENT = { SANDBOX_WEBHOOK_URL: 'http://127.0.0.1:1/hooks' };

  it('have signing secrets that are secret with and without their prefix', () => {
    expect(readConfig({ OPENAI_WEBHOOK_SECRET: SECRET }).webhookSecret).toBe(SECRET);
    expect(secretsOf(readConfig({ ...KEY, OPENAI_WEBHOOK_SECRET: SECRET }))).toEqual([SECRET.slice(6), 'any-text']);
    expect(secretsOf(readConfig({ ...SENT, SANDBOX_WEBHOOK_SECRET: SECRET }))).toEqual([SECRET.slice(6)]);
    expect(secretsOf(readConfig({ SANDBOX_ADMIN_KEY: 'an-admin' }))).toEqual(['an-admin']);
  });

  it('of the sandbox need a signing secret for another receiver, which has to know it', () => {
    expect(problemsOf(SENT)).toEqual([
      'SANDBOX_WEBHOOK_SECRET: is not set, but SANDBOX_WEBHOOK_URL is; expected the secret that the receiver knows, such as whsec_YWJjMTIzYWJjMTIz.',
    ]);
    expect(problemsOf({ ...SENT, ...KEY })).toEqual([]);
  });
});

describe('listening beyond loopback addresses', () => {
  it.each(['127.0.0.1', '127.0.0.53', '::1', 'localhost'])('is not the case on %s', (HOST) => {
    expect(problemsOf({ ...KEY, HOST })).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '10.0.0.5', 'gateway.example', '127.evil.example', '1270.0.0.1'])(
    'is refused with a real credential: %s',
    (HOST) => {
      expect(problemsOf({ ...KEY, HOST })).toEqual([
        expect.stringContaining(`HOST: ${JSON.stringify(HOST)} is not a loopback address`),
      ]);
    },
  );

  it('is allowed for the sandbox', () => {
    expect(problemsOf({ HOST: '0.0.0.0' })).toEqual([]);
    expect(problemsOf({ HOST: '0.0.0.0', ...KEY, UPSTREAM: 'sandbox' })).toEqual([]);
  });
});

/** The settings that hold a key, or the path of one. */
const KEY_SETTINGS = ['OPENAI_API_KEY', 'OPENAI_API_KEY_FILE', 'OPENAI_ADMIN_KEY', 'AZURE_OPENAI_API_KEY'];
const AZURE_URL = { AZURE_OPENAI_ENDPOINT: 'https://a.example/openai/v1' };
const INVALID_KEYS = [
  ['"sk-abc123"', 'has quotes around the key'],
  ["'sk-abc123'\n", 'has quotes around the key'],
  ['`sk-abc123`', 'has quotes around the key'],
  ['“sk-abc123”', 'has quotes around the key'],
  ['Bearer sk-abc123', 'begins with Bearer'],
  ['OPENAI_API_KEY=sk-abc123', 'begins with the name of a variable'],
  ['export OPENAI_API_KEY="sk-abc123"', 'begins with the name of a variable'],
] as const;

function makeFifo(folder: string): string {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  return join(folder, 'fifo');
}

/** The settings of an upstream with a key in this setting. */
function keySetting(name: string, key: string): Record<string, string> {
  if (name === 'OPENAI_API_KEY_FILE') return { UPSTREAM: 'openai', [name]: join(makeFolder({ key }), 'key') };
  if (name === 'AZURE_OPENAI_API_KEY') return { UPSTREAM: 'azure', [name]: key };
  return { UPSTREAM: 'openai', ...KEY, [name]: key };
}

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
  ])('%s rejects an invalid value in one sentence', (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ OPENAI_API_KEY: 'k', [name]: value });
      expect(problems, value).toEqual([expect.stringMatching(new RegExp(`^${name}: (".*"|the value) is not .*\\.$`))]);
    }
  });

  it('is quoted in its problem, with an example of a valid value', () => {
    expect(problemsOf({ PORT: 'abc', ALLOWED_HOSTS: 'http://a' })).toEqual([
      'PORT: "abc" is not a whole number from 0 to 65535, such as 4000.',
      'ALLOWED_HOSTS: "http://a" is not host names without ports, separated by commas, such as gateway.example,10.0.0.5.',
    ]);
  });

  it.each([
    ['OPENAI_API_KEY', 'my secret'],
    ['OPENAI_ADMIN_KEY', 'my secret'],
    ['OPENAI_WEBHOOK_SECRET', 'secret'],
    ['AZURE_OPENAI_API_KEY', 'my secret'],
    ['SANDBOX_ADMIN_KEY', 'my secret'],
    ['SANDBOX_WEBHOOK_SECRET', 'whsec_secret'],
    ['OPENAI_BASE_URL', 'https://user:secret@tuning.example'],
    ['UPSTREAM', 'sk-secret'],
    ['PORT', 'a-secret-0123456789abc'],
    ['LOG_LEVEL', '0123456789abcdef0123456789abcdef-secret'],
  ])('%s is not quoted when it is or may contain a secret', (name, value) => {
    const problems = problemsOf({ UPSTREAM: 'openai', OPENAI_API_KEY: 'k', [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain('secret,');
    expect(problems.join().replaceAll('WEBHOOK_SECRET', '')).not.toMatch(/secret(?!_)/);
  });

  it('is reported together with all others, also where settings contradict each other', () => {
    const names = problemsOf({
      PORT: 'web',
      CACHE_MAX_MB: '0',
      LOG_LEVEL: 'loud',
      UPSTREAM: 'openai',
      HOST: '0.0.0.0',
    });
    expect(names.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'HOST',
      'OPENAI_API_KEY',
      'CACHE_MAX_MB',
      'LOG_LEVEL',
    ]);
  });

  it('that is empty counts as unset', () => {
    expect(readConfig({ PORT: '', OPENAI_API_KEY: '', LOG_LEVEL: '' })).toEqual(readConfig({}));
  });

  it('OPENAI_API_KEY_FILE excludes OPENAI_API_KEY', () => {
    const file = join(makeFolder({ key: 'of-the-file' }), 'key');
    expect(problemsOf({ ...KEY, OPENAI_API_KEY_FILE: file })).toEqual([
      'OPENAI_API_KEY_FILE: is set as well as OPENAI_API_KEY; expected only one of the two.',
    ]);
  });

  it('OPENAI_API_KEY_FILE names a file with the key', () => {
    const folder = makeFolder({ key: 'of-the-file\n', invalid: 'two secrets' });
    const { upstream } = readConfig({ OPENAI_API_KEY_FILE: join(folder, 'key') });
    expect(upstream).toMatchObject({ kind: 'openai', credential: { apiKey: 'of-the-file' } });
    const [problem] = problemsOf({ OPENAI_API_KEY_FILE: join(folder, 'invalid') });
    expect(problem).toMatch(/^OPENAI_API_KEY_FILE: .* is not the path of a file with a key of visible ASCII/);
    expect(problem).not.toContain('two secrets');
  });

  it.each(KEY_SETTINGS)('%s may have white space around it', (name) => {
    for (const value of ['a-valid-key\n', '\ta-valid-key', ' whole-key \r\n', '\ufeffwith-a-mark']) {
      expect(secretsOf(readConfig({ ...AZURE_URL, ...keySetting(name, value) })), value).toContain(value.trim());
    }
  });

  it.each(KEY_SETTINGS)('%s is refused with the reason, under its own name, and is not repeated', (name) => {
    const subject = name.endsWith('_FILE') ? 'the file ' : '';
    for (const [value, reason] of INVALID_KEYS) {
      const problems = problemsOf({ ...AZURE_URL, ...keySetting(name, value) });
      expect(problems, value).toEqual([`${name}: ${subject}${reason}; expected the key alone.`]);
    }
  });

  it.each([
    ['OPENAI_WEBHOOK_SECRET', 'whsec_YWJjMTIzYWJjMTIz\n'],
    ['OPENAI_WEBHOOK_SECRET', ' eight-characters'],
    ['SANDBOX_WEBHOOK_SECRET', 'whsec_YWJjMTIzYWJjMTIz\r\n'],
    ['SANDBOX_ADMIN_KEY', 'an-admin-key\n'],
  ])('%s may have white space around it: %j', (name, value) => {
    const sandbox = {
      SANDBOX_WEBHOOK_URL: 'http://127.0.0.1:1/hooks',
      SANDBOX_WEBHOOK_SECRET: 'whsec_YWJjZGVmZ2hpamts',
    };
    expect(secretsOf(readConfig({ ...sandbox, [name]: value }))).toContain(value.trim().replace('whsec_', ''));
  });

  it.each(['v1,whsec_YWJjMTIzYWJjMTIz', 'v1,whsec_YWJjMTIzYWJjMTIz\n', 'v1 whsec_YWJjMTIzYWJjMTIz'])(
    'OPENAI_WEBHOOK_SECRET refuses other text before the secret: %j',
    (value) => {
      const [problem, ...others] = problemsOf({ ...KEY, OPENAI_WEBHOOK_SECRET: value });
      expect(others).toEqual([]);
      expect(problem).toMatch(/^OPENAI_WEBHOOK_SECRET: /);
      expect(problem).not.toContain('v1');
    },
  );

  it('OPENAI_WEBHOOK_SECRET names the reason', () => {
    expect(problemsOf({ ...KEY, OPENAI_WEBHOOK_SECRET: 'v1,whsec_YWJjMTIzYWJjMTI0' })).toEqual([
      'OPENAI_WEBHOOK_SECRET: has other text before whsec_; expected the secret alone, such as whsec_YWJjMTIzYWJjMTIz.',
    ]);
    expect(problemsOf({ ...KEY, OPENAI_WEBHOOK_SECRET: '"whsec_YWJjMTIzYWJjMTI0"' })).toEqual([
      'OPENAI_WEBHOOK_SECRET: has quotes around the key; expected the key alone.',
    ]);
  });

  it.each(['OPENAI_ORG_ID', 'OPENAI_PROJECT_ID'])('%s may have white space, but no quotes, around it', (name) => {
    expect(problemsOf({ ...KEY, [name]: 'org-a\n' })).toEqual([]);
    expect(problemsOf({ ...KEY, [name]: '"org-a"' })).toEqual([expect.stringMatching(/ is not text without quotes/)]);
  });

  it.each([
    ['a directory', 'is a directory', () => makeFolder({})],
    ['a device without an end', 'is a device', () => '/dev/zero'],
    ['a FIFO, which no program writes', 'is a FIFO', () => makeFifo(makeFolder({}))],
    ['a large file', 'is larger than 16384 bytes', () => join(makeFolder({ key: 'k'.repeat(16_385) }), 'key')],
  ])('OPENAI_API_KEY_FILE and TRUSTED_DOCUMENTS refuse %s at once', (_, problem, make) => {
    const file = make();
    expect(problemsOf({ OPENAI_API_KEY_FILE: file })).toEqual([
      `OPENAI_API_KEY_FILE: ${problem}; expected a regular file of at most 16384 bytes with the key.`,
    ]);
    if (problem.includes('larger')) return;
    expect(problemsOf({ TRUSTED_DOCUMENTS: file })).toEqual([
      `TRUSTED_DOCUMENTS: cannot be read; expected the path of a JSON file (it ${problem})`,
    ]);
  });

  it.each(KEY_SETTINGS)('%s is refused when it is a number in JSON, where it cannot be redacted', (name) => {
    for (const key of ['12345678901234567890', '0123456789', '12345678.9e10']) {
      expect(problemsOf({ ...AZURE_URL, ...keySetting(name, key) })).toEqual([
        expect.stringMatching(
          `^${name}: (the file )?is a number, which cannot be redacted in JSON; expected a key with a letter\\.$`,
        ),
      ]);
    }
  });

  it('a placeholder of digits is a key: so short a text is not redacted', () => {
    expect(problemsOf({ OPENAI_API_KEY: '1234567' })).toEqual([]);
  });

  it('OPENAI_API_KEY_FILE with an empty file says so', () => {
    const file = join(makeFolder({ key: ' \n' }), 'key');
    expect(problemsOf({ OPENAI_API_KEY_FILE: file })).toEqual([
      'OPENAI_API_KEY_FILE: the file is empty; expected a key in it.',
    ]);
  });

  it.each([
    [KEY, 'OPENAI_API_KEY'],
    [{ AZURE_OPENAI_ENDPOINT: 'https://a.example/openai/v1', AZURE_OPENAI_API_KEY: 'any' }, 'AZURE_OPENAI_API_KEY'],
  ])('the configuration names the setting with the key: %j', (environment, name) => {
    expect(readConfig(environment).keySetting).toBe(name);
  });

  it('OPENAI_API_KEY_FILE names a file that can be read', () => {
    expect(problemsOf({ OPENAI_API_KEY_FILE: '/nowhere/key' })).toEqual([
      'OPENAI_API_KEY_FILE: "/nowhere/key" is not the path of a file that can be read, such as /run/secrets/openai-key.',
    ]);
  });

  it('ALLOWED_HOSTS adds names in any case to the loopback names', () => {
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
