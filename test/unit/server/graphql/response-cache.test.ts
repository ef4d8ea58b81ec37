import { describe, expect, it } from 'vitest';
import { createAnswers } from '../../../../src/server/graphql/response-cache.ts';
import { createTestClock } from '../../../kit/clock.ts';

const answer = (body: string) => ({ reply: { status: 200, headers: {}, body }, operationName: undefined });

describe('kept answers', () => {
  it('are given again while fresh, and not from then on', () => {
    const clock = createTestClock(0);
    const answers = createAnswers(clock, 1_000_000);
    answers.keep('q', answer('a'), 1000);
    clock.advance(999);
    expect(answers.get('q')).toEqual(answer('a'));
    clock.advance(1);
    expect(answers.get('q')).toBeUndefined();
  });

  it('that rest on nothing that moves are fresh for ever', () => {
    const clock = createTestClock(0);
    const answers = createAnswers(clock, 1_000_000);
    answers.keep('q', answer('a'), Number.POSITIVE_INFINITY);
    clock.advance(1e12);
    expect(answers.get('q')).toEqual(answer('a'));
  });

  it('are not kept when they are no longer fresh', () => {
    const answers = createAnswers(createTestClock(1000), 1_000_000);
    answers.keep('q', answer('a'), 1000);
    expect(answers.get('q')).toBeUndefined();
  });

  it('are bounded: one that is large is not kept, and many push out the oldest', () => {
    const answers = createAnswers(createTestClock(0), 16 * 1024 * 1024);
    answers.keep('large', answer('x'.repeat(600_000)), 1000);
    expect(answers.get('large')).toBeUndefined();
    for (let i = 0; i < 100; i++) answers.keep(`q${i}`, answer('x'.repeat(200_000)), 1000);
    const left = Array.from({ length: 100 }, (_, i) => answers.get(`q${i}`)).filter(Boolean);
    expect(left.length).toBeGreaterThan(10);
    expect(left.length).toBeLessThanOrEqual(42);
  });
});
