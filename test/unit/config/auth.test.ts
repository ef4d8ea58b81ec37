import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, secretsOf } from '../../../src/config/config.ts';
import { faultsOf } from '../../kit/process/config-faults.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { tokenFile } from '../../kit/process/token.ts';

const KEY = { OPENAI_API_KEY: 'any-text' };
const OPEN = { HOST: '0.0.0.0' };
const AZURE = { AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com/openai/v1' };

describe('AUTH', () => {
  it('is none unless it is set', () => {
    expect(readConfig({}).auth).toEqual({ kind: 'none' });
  });

  it('that is not known is refused by its name', () => {
    expect(faultsOf({ AUTH: 'basic' })).toEqual(['AUTH: expected none, tokens or passthrough']);
    expect(faultsOf({ AUTH: 'NONE' })).toEqual(['AUTH: expected none, tokens or passthrough']);
  });

  it('tokens is given its file, and adds no secret', () => {
    const { file } = tokenFile({ ann: 'viewer' });
    const config = readConfig({ ...KEY, AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    expect(config.auth).toEqual({ kind: 'tokens', file });
    expect(secretsOf(config)).toEqual(['any-text']);
  });

  it('tokens is refused without a file that lists some', () => {
    expect(faultsOf({ AUTH: 'tokens' })).toEqual([
      'AUTH_TOKENS_FILE: expected the path of a file of tokens; npm run token -- NAME ROLE FILE makes one',
    ]);
    expect(faultsOf({ AUTH: 'tokens', AUTH_TOKENS_FILE: '/nowhere/tokens' })).toEqual([
      'AUTH_TOKENS_FILE: cannot be read; expected the path of a token list, which npm run token -- NAME ROLE FILE writes',
    ]);
  });

  it('tokens is refused with each line of the file that is wrong, beside all other faults', () => {
    const AUTH_TOKENS_FILE = join(makeFolder({ tokens: 'ann\n\nann boss x\n' }), 'tokens');
    expect(faultsOf({ PORT: 'web', AUTH: 'tokens', AUTH_TOKENS_FILE })).toEqual([
      'PORT: expected a whole number from 0 to 65535',
      'AUTH_TOKENS_FILE: line 1: has 1 field; expected NAME ROLE SHA256',
      'AUTH_TOKENS_FILE: line 3: ROLE is invalid; expected one of the roles viewer, operator, admin',
    ]);
  });

  it('is not forgotten where there is a file of tokens', () => {
    const { file } = tokenFile({ ann: 'viewer' });
    expect(faultsOf({ AUTH_TOKENS_FILE: file })).toEqual(['AUTH: expected tokens, as AUTH_TOKENS_FILE is set']);
    expect(faultsOf({ AUTH: 'none', AUTH_TOKENS_FILE: file })).toEqual([]);
  });

  it.each([
    ['OpenAI', { AUTH: 'passthrough' }, 'openai'],
    ['another server', { AUTH: 'passthrough', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' }, 'openai'],
    ['OpenAI in production', { AUTH: 'passthrough', NODE_ENV: 'production' }, 'openai'],
    ['Azure', { AUTH: 'passthrough', ...AZURE }, 'azure'],
    ['the sandbox', { AUTH: 'passthrough', UPSTREAM: 'sandbox' }, 'sandbox'],
  ])('passthrough needs no key of ours, before %s', (_, environment, kind) => {
    const { auth, upstream } = readConfig(environment);
    expect([auth.kind, upstream.kind]).toEqual(['passthrough', kind]);
  });

  it('other than none lets everybody reach a real credential', () => {
    const { file } = tokenFile({ ann: 'viewer' });
    expect(faultsOf({ ...KEY, ...OPEN, AUTH: 'tokens', AUTH_TOKENS_FILE: file })).toEqual([]);
    expect(faultsOf({ ...OPEN, AUTH: 'passthrough' })).toEqual([]);
  });

  it('none does not, said or unsaid', () => {
    for (const auth of [{}, { AUTH: 'none' }, { AUTH: '' }]) {
      expect(faultsOf({ ...KEY, ...OPEN, ...auth })).toEqual([
        expect.stringMatching(/^HOST: expected a loopback address such as 127\.0\.0\.1, or AUTH=tokens/),
      ]);
    }
    expect(faultsOf({ ...OPEN, AUTH: 'none', UPSTREAM: 'sandbox' })).toEqual([]);
  });
});
