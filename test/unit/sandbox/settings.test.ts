import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sandboxSettings } from '../../../src/sandbox/settings.ts';

const settings = z.object(sandboxSettings);

describe('sandboxSettings', () => {
  it('has defaults', () => {
    expect(settings.parse({})).toEqual({
      SANDBOX_PORT: 0,
      SANDBOX_SPEED: 10,
      SANDBOX_SEED: 1,
      SANDBOX_DIALECT: 'openai',
    });
  });

  it('parses the text of environment variables', () => {
    expect(
      settings.parse({ SANDBOX_PORT: '4100', SANDBOX_SPEED: '0.5', SANDBOX_SEED: '-7', SANDBOX_DIALECT: 'azure' }),
    ).toEqual({
      SANDBOX_PORT: 4100,
      SANDBOX_SPEED: 0.5,
      SANDBOX_SEED: -7,
      SANDBOX_DIALECT: 'azure',
    });
  });

  it.each([
    ['SANDBOX_PORT', '-1'],
    ['SANDBOX_PORT', '65536'],
    ['SANDBOX_PORT', '0x10'],
    ['SANDBOX_PORT', ' '],
    ['SANDBOX_SPEED', '0'],
    ['SANDBOX_SPEED', '-1'],
    ['SANDBOX_SPEED', '.'],
    ['SANDBOX_SPEED', 'fast'],
    ['SANDBOX_SPEED', '10001'],
    ['SANDBOX_SEED', '1.5'],
    ['SANDBOX_SEED', '2147483648'],
    ['SANDBOX_CONCURRENT_JOBS', '-1'],
    ['SANDBOX_JOBS_PER_DAY', '1000001'],
  ])('rejects %s=%s with one message that names the expected range', (name, text) => {
    const { error } = settings.safeParse({ [name]: text });
    expect(error?.issues).toHaveLength(1);
    expect(error?.issues[0]).toMatchObject({
      path: [name],
      message: expect.stringMatching(/^expected a (whole number|number) from .* to .*, such as \d+$/),
    });
  });

  it.each([
    ['SANDBOX_WEBHOOK_URL', ['here', 'ftp://a/', 'http://user:pass@a/', 'http://a/#b']],
    ['SANDBOX_ADMIN_KEY', ['a key', 'a"b', 'ä', '12345678']],
    ['SANDBOX_WEBHOOK_SECRET', ['whsec_', 'whsec_tooShort', 'aLongTextThatHasNoPrefix', 'whsec_not base64 at all']],
  ])('rejects an invalid %s', (name, texts) => {
    for (const text of texts) {
      const { error } = settings.safeParse({ [name]: text });
      expect(error?.issues[0], text).toMatchObject({ path: [name], message: expect.stringMatching(/^expected /) });
    }
  });

  it('rejects an unknown dialect', () => {
    const { error } = settings.safeParse({ SANDBOX_DIALECT: 'Azure' });
    expect(error?.issues).toMatchObject([{ path: ['SANDBOX_DIALECT'], message: 'expected openai or azure' }]);
  });
});
