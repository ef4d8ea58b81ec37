import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { isTerminal, readJob } from '../../../../src/upstream/resources/job.ts';
import {
  errorOf,
  hyperparametersOf,
  integrationsOf,
  metadataOf,
  methodOf,
} from '../../../../src/upstream/resources/job-parts.ts';
import { readList } from '../../../../src/upstream/resources/page.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

describe('readJob', () => {
  it('accepts any JSON as any member, or names the invalid member in a ZodError: property', () => {
    const members = Object.keys(jobBody());
    fc.assert(
      fc.property(fc.constantFrom(...members), fc.jsonValue(), (member, value) => {
        try {
          expect(readJob(jobBody({ [member]: value })).raw).toMatchObject({ [member]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(z.ZodError);
          expect((error as z.ZodError).issues[0]?.path[0]).toBe(member);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws for the members that are parsed on demand: property', () => {
    const parts = {
      error: errorOf,
      hyperparameters: hyperparametersOf,
      method: methodOf,
      integrations: integrationsOf,
      metadata: metadataOf,
    };
    fc.assert(
      fc.property(fc.constantFrom(...Object.entries(parts)), fc.jsonValue(), ([member, partOf], value) => {
        expect(partOf(readJob(jobBody({ [member]: value })))).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  it('throws a ZodError for any JSON that is not a job: property', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => readJob(value)).toThrow(z.ZodError);
      }),
    );
  });

  it('holds the unchanged object of the upstream', () => {
    const body = jobBody({ anything: { at: ['all'] } });
    expect(readJob(body).raw).toBe(body);
  });
});

describe('isTerminal', () => {
  it.each([
    'succeeded',
    'failed',
    'cancelled',
    'canceled',
    'deleted',
    'SUCCESS',
    'FAILED_VALIDATION',
    'completed',
    'error',
  ])('is true for %s', (status) => expect(isTerminal({ status })).toBe(true));

  it.each(['validating_files', 'queued', 'running', 'paused', 'cancelling', 'pending', 'moderating'])(
    'is false for %s',
    (status) => expect(isTerminal({ status })).toBe(false),
  );
});

describe('readList', () => {
  it('accepts any JSON as a list of valid and invalid items, or throws: property', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ data: fc.jsonValue(), has_more: fc.jsonValue() })), (body) => {
        try {
          const { items, hasMore } = readList(readJob)(body);
          for (const { id, value, error } of items) expect([value?.id === id, error !== undefined]).toContain(true);
          expect([true, false, null]).toContain(hasMore);
        } catch (error) {
          expect(error).toSatisfy((thrown) => thrown instanceof z.ZodError || thrown instanceof UpstreamError);
        }
      }),
    );
  });
});
