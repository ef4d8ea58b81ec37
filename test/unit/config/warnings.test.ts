import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { settings } from '../../../src/config/settings.ts';
import { contradictions, settingWarnings } from '../../../src/config/warnings.ts';

const warningsOf = (...names: string[]) => settingWarnings(Object.fromEntries(names.map((name) => [name, 'on'])));

describe('a misspelled setting', () => {
  it.each([
    ['ALLOW_MUTATION', 'ALLOW_MUTATIONS'],
    ['ALOW_MUTATIONS', 'ALLOW_MUTATIONS'],
    ['allow_mutations', 'ALLOW_MUTATIONS'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
    ['POLL_INTERVAL', 'POLL_INTERVAL_MS'],
    ['UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT_MS'],
    ['MAX_QUERY_SIZE', 'MAX_QUERY_COST'],
    ['SANDBOX_FLAVOR', 'SANDBOX_DIALECT'],
    ['OPENAI_BASE_URI', 'OPENAI_BASE_URL'],
    ['AZURE_OPENAI_ENDPONT', 'AZURE_OPENAI_ENDPOINT'],
  ])('%s causes a warning that names %s', (name, setting) => {
    expect(warningsOf(name)).toEqual([`${name} is set but is not a setting; did you mean ${setting}?`]);
  });

  it('causes no warning while it is empty', () => {
    expect(settingWarnings({ ALLOW_MUTATION: '', CORS_ORIGIN: undefined })).toEqual([]);
  });
});

describe('a name that OPENAI_API_KEY has in other programs', () => {
  it.each(['OPENAI_KEY', 'OPENAI_APIKEY', 'OPENAI_TOKEN', 'OPENAI_API_TOKEN', 'OPENAI_SECRET_KEY', 'OPEN_AI_KEY'])(
    '%s causes a warning',
    (name) => {
      const warning = `${name} is set but is not a setting; did you mean OPENAI_API_KEY?`;
      expect(warningsOf(name)).toEqual([warning]);
      expect(settingWarnings({ [name]: 'any-text', UPSTREAM: 'openai', OPENAI_API_KEY: '' })).toEqual([warning]);
    },
  );

  it.each([
    { OPENAI_API_KEY: 'any-text' },
    { OPENAI_API_KEY_FILE: '/run/secrets/openai-key' },
    { AZURE_OPENAI_API_KEY: 'any-text' },
    { UPSTREAM: 'sandbox' },
    { UPSTREAM: 'azure' },
    { AUTH: 'passthrough' },
  ])('causes no warning where no OPENAI_API_KEY is missing: %j', (environment) => {
    expect(settingWarnings({ OPENAI_KEY: 'any-text', OPENAI_TOKEN: 'any-text', ...environment })).toEqual([]);
  });
});

describe('an old name of a setting', () => {
  it('causes a warning with the current name', () => {
    expect(warningsOf('SANDBOX_FLAVOUR')).toEqual([
      'SANDBOX_FLAVOUR is the old name of SANDBOX_DIALECT and still works; rename it to SANDBOX_DIALECT.',
    ]);
    expect(warningsOf('SANDBOX_FLAVOUR', 'SANDBOX_DIALECT')).toEqual([
      'SANDBOX_FLAVOUR is ignored because SANDBOX_DIALECT is set; remove SANDBOX_FLAVOUR.',
    ]);
  });
});

describe('no warning', () => {
  it('is caused by a setting', () => {
    expect(warningsOf(...settings.keys(), 'NODE_ENV', 'GATEWAY_URL', 'GATEWAY_TOKEN')).toEqual([]);
  });

  it.each([
    'OPENAI_LOG',
    'OPENAI_ORG',
    'OPENAI_ORGANIZATION',
    'OPENAI_PROJECT',
    'OPENAI_API_BASE',
    'OPENAI_API_TYPE',
    'OPENAI_API_KEY_PATH',
    'OPENAI_MODEL',
    'OPENAI_DEFAULT_MODEL',
    'OPENAI_PROXY',
    'OPENAI_TIMEOUT',
    'OPENAI_AGENTS_DISABLE_TRACING',
    'AZURE_OPENAI_AD_TOKEN',
    'AZURE_OPENAI_API_VERSION',
    'AZURE_OPENAI_DEPLOYMENT',
    'AZURE_OPENAI_KEY',
  ])('is caused by %s of other tools', (name) => {
    expect(warningsOf(name)).toEqual([]);
  });

  it('is caused by a second OPENAI_API_KEY beside the one that is used', () => {
    expect(warningsOf('OPENAI_API_KEY', 'OPENAI_API_KEY_2')).toEqual([]);
  });

  it.each([
    [
      'shells',
      'PATH HOME PWD OLDPWD SHELL TERM LANG USER LOGNAME HOSTNAME HOSTS EDITOR DISPLAY SHLVL TMPDIR TZ MAIL _',
    ],
    [
      'servers',
      'PORTS PROTOCOL BIND_HOST DATABASE_URL REDIS_HOST CACHE_DIR CACHE_URL CACHE_HOST LOG_DIR LOG_FILE LOG_FORMAT',
    ],
    [
      'limits',
      'MAX_MEMORY MAX_WORKERS MAX_HEAP MAX_RETRIES RATE_LIMIT AUTH_URL AUTH_SECRET AUTH_TOKEN IDLE HEADERS BODY',
    ],
    [
      'Node and npm',
      'NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS npm_config_cache npm_lifecycle_event npm_package_version INIT_CWD',
    ],
    ['Kubernetes', 'KUBERNETES_PORT KUBERNETES_SERVICE_HOST GATEWAY_PORT GATEWAY_SERVICE_HOST WEB_PORT_8080_TCP'],
    ['tracing', 'OTEL_EXPORTER_OTLP_ENDPOINT OTEL_SERVICE_NAME HTTP_PROXY HTTPS_PROXY NO_PROXY NO_COLOR CI DEBUG'],
  ])('is caused by variables of %s', (_, names) => {
    expect(warningsOf(...names.split(' '))).toEqual([]);
  });
});

describe('points and upstream calls', () => {
  const warningsFor = (settings: Record<string, string>) => contradictions(readConfig(settings));

  it.each([{}, { RATE_LIMIT_PER_MINUTE: '0' }, { UPSTREAM_MAX_RPS: '5', RATE_LIMIT_PER_MINUTE: '3000' }])(
    'agree: %j',
    (settings) => {
      expect(warningsFor(settings)).toEqual([]);
    },
  );

  it('contradict each other when a caller has more than ten points for each upstream call of a minute', () => {
    expect(warningsFor({ UPSTREAM_MAX_RPS: '5' })).toEqual([
      'RATE_LIMIT_PER_MINUTE: one caller has 20000 points per minute, but UPSTREAM_MAX_RPS=5 allows 300 upstream calls, and a call costs a point; set RATE_LIMIT_PER_MINUTE to at most 3000, or raise UPSTREAM_MAX_RPS.',
    ]);
  });
});
