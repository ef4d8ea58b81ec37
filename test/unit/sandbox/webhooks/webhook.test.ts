import { describe, expect, it } from 'vitest';
import {
  createWebhook,
  generateSecret,
  webhookRetryWait,
  webhookTime,
} from '../../../../src/sandbox/webhooks/webhook.ts';
import { outcomes, planOf } from '../plan.ts';

const HOUR = 3_600_000;

describe('webhookTime', () => {
  it('exists for the three statuses that have a webhook, and for no others', () => {
    const ending = outcomes.filter((outcome) => webhookTime(planOf({ outcome })) !== null);
    const statuses = ending.map((outcome) => planOf({ outcome }).changes.at(-1)?.status);
    expect(new Set(statuses)).toEqual(new Set(['succeeded', 'failed', 'cancelled']));
    expect(outcomes.filter((outcome) => !ending.includes(outcome)).toSorted()).toEqual([
      'cancelling',
      'paused',
      'pausing',
      'queued',
      'resuming',
      'running',
      'validating_files',
    ]);
  });
});

describe('createWebhook', () => {
  it('creates the same webhook for the same job, and another id for another job', () => {
    expect(createWebhook(planOf())).toEqual(createWebhook(planOf()));
    expect(createWebhook(planOf({ seed: 2 })).id).not.toBe(createWebhook(planOf()).id);
  });
});

describe('generateSecret', () => {
  it('returns a new secret of 32 bytes each time', () => {
    const secrets = [generateSecret(), generateSecret()];
    expect(new Set(secrets).size).toBe(2);
    for (const secret of secrets) expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
  });
});

describe('webhookRetryWait', () => {
  const waits = (id: string) => Array.from({ length: 40 }, (_, index) => webhookRetryWait({ id, body: '' }, index + 1));

  it('doubles up to eight hours, with a jitter of up to half', () => {
    for (const [index, ms] of waits('wh_1').entries()) {
      const maxMs = Math.min(5000 * 2 ** index, 8 * HOUR);
      expect(ms).toBeGreaterThanOrEqual(maxMs / 2);
      expect(ms).toBeLessThan(maxMs);
    }
  });

  it('differs between webhooks', () => {
    expect(waits('wh_1')).not.toEqual(waits('wh_2'));
  });
});
