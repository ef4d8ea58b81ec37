import { describe, expect, it } from 'vitest';
import { createWebhook, endTime, generateSecret, waitBeforeRetry } from '../../../../src/sandbox/webhooks/webhook.ts';
import { outcomes, planOf } from '../plan.ts';

const HOUR = 3_600_000;

describe('the end of a job', () => {
  it('is told of the three statuses that have a webhook, and of no other', () => {
    const told = outcomes.filter((outcome) => endTime(planOf({ outcome })) !== null);
    const ends = told.map((outcome) => planOf({ outcome }).changes.at(-1)?.status);
    expect(new Set(ends)).toEqual(new Set(['succeeded', 'failed', 'cancelled']));
    expect(outcomes.filter((outcome) => !told.includes(outcome)).toSorted()).toEqual([
      'cancelling',
      'paused',
      'pausing',
      'queued',
      'resuming',
      'running',
      'validating_files',
    ]);
  });

  it('is always told by the same webhook, and another job by another', () => {
    expect(createWebhook(planOf())).toEqual(createWebhook(planOf()));
    expect(createWebhook(planOf({ seed: 2 })).id).not.toBe(createWebhook(planOf()).id);
  });
});

describe('generateSecret', () => {
  it('makes another secret each time, of 32 bytes', () => {
    const secrets = [generateSecret(), generateSecret()];
    expect(new Set(secrets).size).toBe(2);
    for (const secret of secrets) expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
  });
});

describe('waitBeforeRetry', () => {
  const waits = (id: string) => Array.from({ length: 40 }, (_, index) => waitBeforeRetry({ id, body: '' }, index + 1));

  it('doubles up to eight hours, and leaves out up to half by chance', () => {
    for (const [index, ms] of waits('wh_1').entries()) {
      const longest = Math.min(5000 * 2 ** index, 8 * HOUR);
      expect(ms).toBeGreaterThanOrEqual(longest / 2);
      expect(ms).toBeLessThan(longest);
    }
  });

  it('differs from one webhook to another', () => {
    expect(waits('wh_1')).not.toEqual(waits('wh_2'));
  });
});
