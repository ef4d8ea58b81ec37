import { describe, expect, it } from 'vitest';
import { type Auth, createAuthenticate, revokedError } from '../../../../src/server/auth/authenticate.ts';
import type { TokenSource } from '../../../../src/server/auth/connection-token.ts';
import { HttpError } from '../../../../src/server/http/http-error.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createCredentialSource } from '../../../../src/upstream/credentials/credential-source.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { tokenFile } from '../../../kit/process/token.ts';

const create = (auth: Auth) =>
  createAuthenticate({
    auth,
    credentials: createCredentialSource({ apiKey: 'ours', adminKey: 'the-admins', projectId: 'proj-1' }),
    clock: createTestClock(),
    log: createLogger({ level: 'silent', secrets: [] }),
  });

it('callers who bring their own keys do not get the admin key', async () => {
  const { access } = await create({ kind: 'passthrough' })({ authorization: 'Bearer sk-theirs' });
  expect(access.credential).toEqual({ apiKey: 'sk-theirs', projectId: 'proj-1', adminKey: undefined, earlierKeys: [] });
});

describe('the message of a rejected caller', () => {
  const tokens = (): Auth => ({ kind: 'tokens', file: tokenFile({ ann: 'viewer' }).file });

  function messageFor(auth: Auth, authorization?: string, source?: TokenSource): string {
    try {
      create(auth)({ authorization }, source);
      return '';
    } catch (error) {
      return error instanceof HttpError ? error.message : String(error);
    }
  }

  it('says how to send a token and how to create one', () => {
    const advice = 'send Authorization: Bearer TOKEN. Create a token: npm run token -- NAME ROLE FILE.';
    expect(messageFor(tokens())).toBe(`Authorization: is missing; ${advice}`);
    expect(messageFor(tokens(), 'Basic eDp5')).toBe(`Authorization: is malformed; ${advice}`);
  });

  it('says that a token is unknown or revoked', () => {
    expect(messageFor(tokens(), 'Bearer fgw_x')).toBe(
      'Authorization: the token is unknown or revoked; create one: npm run token -- NAME ROLE FILE.',
    );
  });

  it('says that a key of the upstream is expected', () => {
    expect(messageFor({ kind: 'passthrough' })).toBe(
      'Authorization: is missing; send Authorization: Bearer KEY, with your own API key of the upstream.',
    );
  });

  it('fits into the close reason of a WebSocket', () => {
    const messages = (['Authorization', 'connectionParams.headers.Authorization'] as const).flatMap((source) => [
      messageFor(tokens(), undefined, source),
      messageFor(tokens(), 'x', source),
      messageFor(tokens(), 'Bearer x', source),
      messageFor({ kind: 'passthrough' }, 'x', source),
    ]);
    for (const message of [...messages, revokedError().message]) {
      expect(message).toMatch(/^(connectionParams\.headers\.)?Authorization: [\x20-\x7e]+\.$/);
      expect(message.length).toBeLessThanOrEqual(123);
    }
  });
});
