import { expect, it } from 'vitest';
import { createAuthenticate } from '../../../../src/server/auth/authenticate.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createTestClock } from '../../../kit/clock.ts';

it("callers who bring their own keys do not get the administrator's", () => {
  const authenticate = createAuthenticate({
    auth: { kind: 'passthrough' },
    credential: { apiKey: 'ours', adminKey: 'the-admins', projectId: 'proj-1' },
    clock: createTestClock(),
    log: createLogger({ level: 'silent', secrets: [] }),
  });
  const { access } = authenticate({ authorization: 'Bearer sk-theirs' });
  expect(access.credential).toEqual({ apiKey: 'sk-theirs', projectId: 'proj-1', adminKey: undefined });
});
