import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobCriteria, scanJobs } from '../../../../src/store/resources/job-scan.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { type Job, type JobPageRequest, readJob } from '../../../../src/upstream/resources/job.ts';
import type { Page, PageItem, PageRequest } from '../../../../src/upstream/resources/page.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

type Item = PageItem<Job>;

const item = (id: string, members: Record<string, unknown> = {}): Item => ({
  id,
  value: readJob(jobBody({ id, ...members })),
});
const invalidItem = (id: string | null): Item => ({ id, error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'bad') });

/** A server with these jobs, which records its requests. */
function createPager(items: readonly Item[], page = (from: number, { limit }: PageRequest) => from + limit) {
  const requests: JobPageRequest[] = [];
  return {
    requests,
    async read(request: JobPageRequest): Promise<Page<Job>> {
      requests.push(request);
      const from = request.after === null ? 0 : items.findIndex(({ id }) => id === request.after) + 1;
      const to = page(from, request);
      return { items: items.slice(from, to), hasMore: to < items.length };
    },
  };
}

const all: JobCriteria = { matches: () => true, metadata: {}, oldest: Number.NEGATIVE_INFINITY };
const none: JobCriteria = { ...all, matches: () => false };
const only = (ids: ReadonlySet<string>): JobCriteria => ({ ...all, matches: ({ id }) => ids.has(id) });
const idsOf = (items: readonly Item[]) => items.map(({ id }) => id);
const jobs = (count: number, members: (index: number) => Record<string, unknown> = () => ({})) =>
  Array.from({ length: count }, (_, index) => item(`ftjob-${index}`, members(index)));

/** Reads all pages of a filtered list, as a client does. */
async function readAll(criteria: JobCriteria, limit: number, read: (request: JobPageRequest) => Promise<Page<Job>>) {
  const pages = [];
  let after: string | null = null;
  for (;;) {
    const scan = await scanJobs({ limit, after }, criteria, read);
    pages.push(scan);
    if (!scan.hasMore) break;
    after = scan.endsAt;
  }
  return pages;
}

/** Which jobs match, at all positions of the pages, and which items are invalid. */
const anyList = fc
  .array(fc.oneof(fc.constantFrom('match', 'other', 'other', 'invalid'), fc.constant('other')), {
    maxLength: 2500,
    size: 'max',
  })
  .map((kinds) => kinds.map((kind, index) => ({ kind, id: `ftjob-${index}` })));
const limit = fc.integer({ min: 1, max: 100 });

describe('consecutive scans', () => {
  it('find exactly the matching jobs in their order, on pages within the limit: property', async () => {
    const readable = jobs(2500);
    await fc.assert(
      fc.asyncProperty(anyList, limit, async (list, limit) => {
        const items = list.map(({ kind, id }, index) =>
          kind === 'invalid' ? invalidItem(id) : (readable[index] ?? invalidItem(id)),
        );
        const wanted = list.filter(({ kind }) => kind === 'match').map(({ id }) => id);
        const pager = createPager(items);
        const pages = await readAll(only(new Set(wanted)), limit, pager.read);
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(wanted);
        expect(pages.every((page) => page.items.length <= limit)).toBe(true);
        expect(pages.reduce((sum, { scannedCount }) => sum + scannedCount, 0)).toBe(items.length);
      }),
      { numRuns: 60 },
    );
  });

  it('find them on servers with short pages and an empty last page: property', async () => {
    const size = fc.integer({ min: 1, max: 20 });
    const matching = fc.array(fc.boolean(), { maxLength: 200, size: 'max' });
    await fc.assert(
      fc.asyncProperty(matching, limit, size, fc.boolean(), async (matching, limit, size, endsEmpty) => {
        const items = jobs(matching.length);
        const pager = createPager(items, (from) => from + size);
        const read = async (request: JobPageRequest) => {
          const page = await pager.read(request);
          return endsEmpty && page.items.length > 0 ? { ...page, hasMore: true } : page;
        };
        const wanted = idsOf(items).filter((_, index) => matching[index]);
        const pages = await readAll(only(new Set(wanted as string[])), limit, read); // Each of these has an id.
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  it('find each existing job once while jobs are created', async () => {
    const old = jobs(450);
    let items = old;
    const found: (string | null)[] = [];
    for (let after: string | null = null, hasMore = true; hasMore; ) {
      const scan = await scanJobs({ limit: 40, after }, all, (request) => createPager(items).read(request));
      found.push(...idsOf(scan.items));
      items = [...[0, 1, 2].map((n) => item(`ftjob-new-${items.length + n}`)), ...items];
      ({ hasMore, endsAt: after } = scan);
    }
    expect(found).toEqual(idsOf(old));
  });
});

describe('one scan', () => {
  it('reads pages of 100 with the metadata filter, starting after the cursor', async () => {
    const pager = createPager(jobs(300));
    await scanJobs({ limit: 5, after: 'ftjob-9' }, { ...none, metadata: { team: 'a' } }, pager.read);
    expect(pager.requests).toEqual(
      ['ftjob-9', 'ftjob-109', 'ftjob-209'].map((after) => ({ limit: 100, after, metadata: { team: 'a' } })),
    );
  });

  it('reads at most ten pages and returns the cursor for the next scan', async () => {
    const pager = createPager(jobs(1500));
    const scan = await scanJobs({ limit: 5, after: null }, none, pager.read);
    expect(scan).toEqual({ items: [], hasMore: true, scannedCount: 1000, endsAt: 'ftjob-999' });
    expect(pager.requests).toHaveLength(10);
  });

  it('ends at the job that fills its page', async () => {
    const pager = createPager(jobs(150));
    expect(await scanJobs({ limit: 3, after: null }, all, pager.read)).toMatchObject({
      hasMore: true,
      scannedCount: 3,
      endsAt: 'ftjob-2',
    });
    expect(pager.requests).toHaveLength(1);
  });

  it.each([
    ['is the last one', 100, false],
    ['ends an upstream page with more behind it', 101, true],
  ])('returns hasMore correctly when the job that fills its page %s', async (_, count, hasMore) => {
    const { read } = createPager(jobs(count));
    const scan = await scanJobs({ limit: 1, after: null }, only(new Set(['ftjob-99'])), read);
    expect(scan).toMatchObject({ hasMore, scannedCount: 100, endsAt: 'ftjob-99' });
  });

  it('ends without an error when the page after a full one is empty, as on servers without has_more', async () => {
    const pager = createPager(jobs(100));
    const read = async (request: JobPageRequest) => {
      const page = await pager.read(request);
      return { ...page, hasMore: page.items.length === 100 };
    };
    expect(await scanJobs({ limit: 5, after: null }, none, read)).toEqual({
      items: [],
      hasMore: false,
      scannedCount: 100,
      endsAt: 'ftjob-99',
    });
  });

  it('counts items without an id, and continues after the last item that has one', async () => {
    const items = [...jobs(98), invalidItem(null), invalidItem(null), item('ftjob-last'), invalidItem(null)];
    const pager = createPager(items.filter(({ id }) => id !== null));
    const read = async (request: JobPageRequest): Promise<Page<Job>> => {
      if (request.after === null) return { items: items.slice(0, 100), hasMore: true };
      return { items: items.slice(98), hasMore: (await pager.read(request)).hasMore };
    };
    const scan = await scanJobs({ limit: 5, after: null }, only(new Set(['ftjob-last'])), read);
    expect(idsOf(scan.items)).toEqual(['ftjob-last']);
  });
});

describe('createdAtOrAfter', () => {
  /** As the filter does: older jobs do not match. */
  const since = (oldest: number): JobCriteria => ({
    ...all,
    oldest,
    matches: ({ created_at }) => created_at >= oldest,
  });

  it('ends the scan of a list sorted from new to old after the page with the first older job', async () => {
    const pager = createPager(jobs(600, (index) => ({ created_at: 2000 - index })));
    const scan = await scanJobs({ limit: 100, after: 'ftjob-9' }, since(1950), pager.read);
    expect(scan).toMatchObject({ hasMore: false, scannedCount: 100 });
    expect(scan.items).toHaveLength(41);
    expect(pager.requests).toHaveLength(1);
  });

  it('ends it after one page when all matching jobs precede the cursor', async () => {
    const pager = createPager(jobs(600, (index) => ({ created_at: 2000 - index })));
    expect(await scanJobs({ limit: 100, after: 'ftjob-300' }, since(1950), pager.read)).toMatchObject({
      items: [],
      hasMore: false,
    });
    expect(pager.requests).toHaveLength(1);
  });

  it('does not end it at jobs created exactly then', async () => {
    const pager = createPager(jobs(350, () => ({ created_at: 1950 })));
    expect(await readAll(since(1950), 100, pager.read)).toHaveLength(4);
  });

  it('finds all matching jobs in a list sorted from old to new: property', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 400 }), fc.nat(400), limit, async (count, oldest, limit) => {
        const items = jobs(count, (index) => ({ created_at: index }));
        const pages = await readAll(since(oldest), limit, createPager(items).read);
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(idsOf(items.slice(oldest)));
      }),
    );
  });

  it('finds all matching jobs in an unsorted list: property', async () => {
    // Each pair is out of order, so that every page shows that the list is not sorted.
    const times = fc
      .array(fc.nat(50), { maxLength: 200, size: 'max' })
      .map((times) => times.flatMap((time) => [time, time + 1]));
    await fc.assert(
      fc.asyncProperty(times, fc.nat(50), limit, async (times, oldest, limit) => {
        const items = jobs(times.length, (index) => ({ created_at: times[index] }));
        const pages = await readAll(since(oldest), limit, createPager(items).read);
        const wanted = items.filter(({ value }) => value && value.created_at >= oldest);
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(idsOf(wanted));
      }),
    );
  });
});

describe('pages without progress', () => {
  const invalidResponse = { code: 'UPSTREAM_INVALID_RESPONSE' };

  it('fail the scan when a server repeats one page', async () => {
    const page = { items: jobs(100), hasMore: true };
    let calls = 0;
    const read = async () => {
      calls++;
      return page;
    };
    await expect(scanJobs({ limit: 5, after: null }, none, read)).rejects.toMatchObject(invalidResponse);
    expect(calls).toBe(2);
  });

  it('fail the scan when a server repeats a cycle of pages of any length: property', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 450 }), async (length) => {
        const ring = jobs(length);
        const read = async ({ after, limit }: JobPageRequest): Promise<Page<Job>> => {
          const from = ring.findIndex(({ id }) => id === after) + 1;
          const items = Array.from({ length: Math.min(limit, length) }, (_, n) => ring[(from + n) % length] as Item);
          return { items, hasMore: true };
        };
        await expect(scanJobs({ limit: 5, after: null }, none, read)).rejects.toMatchObject(invalidResponse);
      }),
    );
  });

  it('return no job twice before the scan fails', async () => {
    const ring = jobs(150);
    const read = async ({ after }: JobPageRequest): Promise<Page<Job>> => {
      const from = ring.findIndex(({ id }) => id === after) + 1;
      return { items: [...ring, ...ring].slice(from, from + 100), hasMore: true };
    };
    const wanted = new Set(['ftjob-0', 'ftjob-1', 'ftjob-120']);
    await expect(scanJobs({ limit: 4, after: null }, only(wanted), read)).rejects.toMatchObject(invalidResponse);
  });

  it('reject with the error of a failed read', async () => {
    const read = async () => Promise.reject(new UpstreamError('UPSTREAM_RATE_LIMITED', 'slow down'));
    await expect(scanJobs({ limit: 5, after: null }, all, read)).rejects.toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
    });
  });
});
