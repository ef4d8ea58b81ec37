import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createVerify,
  readDelivery,
  readWebhook,
  WebhookError,
  webhookSecretProblem,
} from '../../../../src/upstream/resources/webhook.ts';
import { newSecret, webhookBody, webhookHeaders } from '../../../kit/bodies/webhook.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const BODY = Buffer.from(webhookBody('ftjob-1'));

describe('readDelivery', () => {
  it('returns the parsed headers', () => {
    const headers = { ...webhookHeaders(newSecret(), 'wh_1', SECONDS, ''), 'webhook-signature': 'v1,a v1,b' };
    expect(readDelivery(headers, NOW)).toEqual({ id: 'wh_1', timestamp: SECONDS, signatures: 'v1,a v1,b' });
  });

  it('throws for a repeated header, which Node joins with a comma and a space', () => {
    for (const name of ['webhook-id', 'webhook-timestamp']) {
      const headers = webhookHeaders(newSecret(), 'wh_1', SECONDS, '');
      const twice = { ...headers, [name]: `${SECONDS}, ${SECONDS}` };
      expect(() => readDelivery(twice, NOW), name).toThrow(WebhookError);
    }
  });
});

describe('createVerify', () => {
  it('accepts a signature of any id and body: property', () => {
    const secret = newSecret();
    const verify = createVerify(secret);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (id, text) => {
        const delivery = readDelivery({ ...webhookHeaders(secret, id, SECONDS, text), 'webhook-id': 'wh_1' }, NOW);
        verify({ ...delivery, id }, Buffer.from(text));
      }),
    );
  });

  it('throws when any byte of the body differs', () => {
    const secret = newSecret();
    const delivery = readDelivery(webhookHeaders(secret, 'wh_1', SECONDS, BODY.toString()), NOW);
    const verify = createVerify(secret);
    for (const index of BODY.keys()) {
      const tampered = Buffer.from(BODY);
      tampered[index] = BODY.readUInt8(index) ^ 1;
      expect(() => verify(delivery, tampered), String(index)).toThrow(WebhookError);
    }
    verify(delivery, BODY);
  });
});

describe('webhookSecretProblem', () => {
  it.each([newSecret(), 'whsec_YWJjZGVmZ2g', 'eight-ch'])('is null for a secret: %s', (text) => {
    expect(webhookSecretProblem(text)).toBeNull();
  });

  it.each(['whsec_', 'whsec_abc', 'whsec_not base64!', 'seven-c'])('says what was expected instead of %s', (text) => {
    expect(webhookSecretProblem(text)).toBe('expected whsec_ and base64, or another text of at least 8 characters');
  });

  it.each(['v1,whsec_YWJjZGVmZ2g', 'v1a,whsec_YWJjZGVmZ2g', 'OPENAI_WEBHOOK_SECRET=whsec_YWJjZGVmZ2g'])(
    'refuses other text before the secret: %s',
    (text) => {
      expect(webhookSecretProblem(text)).toMatch(/^has other text before whsec_; expected the secret alone/);
      expect(webhookSecretProblem(text)).not.toContain('YWJjZGVmZ2g');
    },
  );

  it('refuses the prefix in another case', () => {
    expect(webhookSecretProblem('WHSEC_YWJjZGVmZ2g')).toMatch(/^has a prefix in another case; expected whsec_/);
  });
});

describe('readWebhook', () => {
  it.each(['succeeded', 'failed', 'cancelled', 'paused'])('returns the job that has %s', (end) => {
    const type = `fine_tuning.job.${end}`;
    expect(readWebhook(Buffer.from(webhookBody('ftjob-1', type)))).toEqual({ type, jobId: 'ftjob-1' });
  });

  it('returns no job for a webhook about another object, or with an invalid id', () => {
    expect(readWebhook(Buffer.from(webhookBody('x', 'batch.completed')))).toEqual({
      type: 'batch.completed',
      jobId: null,
    });
    for (const id of ['', '..', '../files', 'a%2f', 'x'.repeat(513)]) {
      expect(readWebhook(Buffer.from(webhookBody(id))), id).toMatchObject({ jobId: null });
    }
  });

  it('returns null for a body that is not a webhook', () => {
    for (const text of ['', '{', 'null', '[]', '{}', '{"type": "a"}', '{"type": 1, "data": {"id": "a"}}']) {
      expect(readWebhook(Buffer.from(text)), text).toBeNull();
    }
  });
});
