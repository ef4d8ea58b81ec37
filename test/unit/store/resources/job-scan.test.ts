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
const unreadable = (id: string | null): Item => ({ id, error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'bad') });

/** A server with these jobs; it notes what it was asked. */
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

/** All pages of a filtered list, as a client goes through it. */
async function walk(criteria: JobCriteria, limit: number, read: (request: JobPageRequest) => Promise<Page<Job>>) {
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

/** Which jobs match: any of them, so that they fall on all places of pages; and some that cannot be read. */
const anyList = fc
  .array(fc.oneof(fc.constantFrom('match', 'other', 'other', 'unreadable'), fc.constant('other')), {
    maxLength: 2500,
    size: 'max',
  })
  .map((kinds) => kinds.map((kind, index) => ({ kind, id: `ftjob-${index}` })));
const limit = fc.integer({ min: 1, max: 100 });

describe('a scan, gone through to its end', () => {
  it('finds exactly the jobs that match, in their order, on pages that are never too long: property', async () => {
    const readable = jobs(2500);
    await fc.assert(
      fc.asyncProperty(anyList, limit, async (list, limit) => {
        const items = list.map(({ kind, id }, index) =>
          kind === 'unreadable' ? unreadable(id) : (readable[index] ?? unreadable(id)),
        );
        const wanted = list.filter(({ kind }) => kind === 'match').map(({ id }) => id);
        const pager = createPager(items);
        const pages = await walk(only(new Set(wanted)), limit, pager.read);
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(wanted);
        expect(pages.every((page) => page.items.length <= limit)).toBe(true);
        expect(pages.reduce((sum, { scannedCount }) => sum + scannedCount, 0)).toBe(items.length);
      }),
      { numRuns: 60 },
    );
  });

  it('does so on servers whose pages are short, with the last of them empty at times: property', async () => {
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
        const pages = await walk(only(new Set(wanted as string[])), limit, read); // Each of these has an id.
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  it('finds the same when jobs are created meanwhile: those that were there, none twice', async () => {
    const old = jobs(450);
    let items = old;
    const seen: (string | null)[] = [];
    for (let after: string | null = null, hasMore = true; hasMore; ) {
      const scan = await scanJobs({ limit: 40, after }, all, (request) => createPager(items).read(request));
      seen.push(...idsOf(scan.items));
      items = [...[0, 1, 2].map((n) => item(`ftjob-new-${items.length + n}`)), ...items];
      ({ hasMore, endsAt: after } = scan);
    }
    expect(seen).toEqual(idsOf(old));
  });
});

describe('one scan', () => {
  it('reads pages of 100, with the metadata that is asked for, from the cursor on', async () => {
    const pager = createPager(jobs(300));
    await scanJobs({ limit: 5, after: 'ftjob-9' }, { ...none, metadata: { team: 'a' } }, pager.read);
    expect(pager.requests).toEqual(
      ['ftjob-9', 'ftjob-109', 'ftjob-209'].map((after) => ({ limit: 100, after, metadata: { team: 'a' } })),
    );
  });

  it('reads ten pages at most, and says where to go on', async () => {
    const pager = createPager(jobs(1500));
    const scan = await scanJobs({ limit: 5, after: null }, none, pager.read);
    expect(scan).toEqual({ items: [], hasMore: true, scannedCount: 1000, endsAt: 'ftjob-999' });
    expect(pager.requests).toHaveLength(10);
  });

  it('ends at the job that fills its page, whatever stands behind it', async () => {
    const pager = createPager(jobs(150));
    expect(await scanJobs({ limit: 3, after: null }, all, pager.read)).toMatchObject({
      hasMore: true,
      scannedCount: 3,
      endsAt: 'ftjob-2',
    });
    expect(pager.requests).toHaveLength(1);
  });

  it.each([
    ['is the last of all', 100, false],
    ['ends an upstream page with more behind it', 101, true],
  ])('says whether there is more when the job that fills its page %s', async (_, count, hasMore) => {
    const { read } = createPager(jobs(count));
    const scan = await scanJobs({ limit: 1, after: null }, only(new Set(['ftjob-99'])), read);
    expect(scan).toMatchObject({ hasMore, scannedCount: 100, endsAt: 'ftjob-99' });
  });

  it('ends well when the page behind a full one turns out to be empty, as on servers that do not say has_more', async () => {
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

  it('looks at items without an id, and goes on behind the last that has one', async () => {
    const items = [...jobs(98), unreadable(null), unreadable(null), item('ftjob-last'), unreadable(null)];
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
  /** As a filter makes it: what is older does not match. */
  const since = (oldest: number): JobCriteria => ({
    ...all,
    oldest,
    matches: ({ created_at }) => created_at >= oldest,
  });

  it('ends the scan of a list that goes from new to old behind the page with the first older job', async () => {
    const pager = createPager(jobs(600, (index) => ({ created_at: 2000 - index })));
    const scan = await scanJobs({ limit: 100, after: 'ftjob-9' }, since(1950), pager.read);
    expect(scan).toMatchObject({ hasMore: false, scannedCount: 100 });
    expect(scan.items).toHaveLength(41);
    expect(pager.requests).toHaveLength(1);
  });

  it('ends it at once when the cursor stands behind all that match', async () => {
    const pager = createPager(jobs(600, (index) => ({ created_at: 2000 - index })));
    expect(await scanJobs({ limit: 100, after: 'ftjob-300' }, since(1950), pager.read)).toMatchObject({
      items: [],
      hasMore: false,
    });
    expect(pager.requests).toHaveLength(1);
  });

  it('does not end it at jobs that are exactly as old', async () => {
    const pager = createPager(jobs(350, () => ({ created_at: 1950 })));
    expect(await walk(since(1950), 100, pager.read)).toHaveLength(4);
  });

  it('misses nothing in a list that goes from old to new: property', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 400 }), fc.nat(400), limit, async (count, oldest, limit) => {
        const items = jobs(count, (index) => ({ created_at: index }));
        const pages = await walk(since(oldest), limit, createPager(items).read);
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(idsOf(items.slice(oldest)));
      }),
    );
  });

  it('misses nothing in a list without order: property', async () => {
    // Of two that follow each other one is newer: nobody can know of a list that looks sorted that it is not.
    const times = fc
      .array(fc.nat(50), { maxLength: 200, size: 'max' })
      .map((times) => times.flatMap((time) => [time, time + 1]));
    await fc.assert(
      fc.asyncProperty(times, fc.nat(50), limit, async (times, oldest, limit) => {
        const items = jobs(times.length, (index) => ({ created_at: times[index] }));
        const pages = await walk(since(oldest), limit, createPager(items).read);
        const wanted = items.filter(({ value }) => value && value.created_at >= oldest);
        expect(pages.flatMap((page) => idsOf(page.items))).toEqual(idsOf(wanted));
      }),
    );
  });
});

describe('pages that do not go on', () => {
  const stuck = { code: 'UPSTREAM_INVALID_RESPONSE' };

  it('end a scan with an error when a server gives the same page for ever', async () => {
    const page = { items: jobs(100), hasMore: true };
    let calls = 0;
    const read = async () => {
      calls++;
      return page;
    };
    await expect(scanJobs({ limit: 5, after: null }, none, read)).rejects.toMatchObject(stuck);
    expect(calls).toBe(2);
  });

  it('end it so when the pages go round in a circle, of whatever length: property', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 450 }), async (length) => {
        const ring = jobs(length);
        const read = async ({ after, limit }: JobPageRequest): Promise<Page<Job>> => {
          const from = ring.findIndex(({ id }) => id === after) + 1;
          const items = Array.from({ length: Math.min(limit, length) }, (_, n) => ring[(from + n) % length] as Item);
          return { items, hasMore: true };
        };
        await expect(scanJobs({ limit: 5, after: null }, none, read)).rejects.toMatchObject(stuck);
      }),
    );
  });

  it('give no job twice before that', async () => {
    const ring = jobs(150);
    const read = async ({ after }: JobPageRequest): Promise<Page<Job>> => {
      const from = ring.findIndex(({ id }) => id === after) + 1;
      return { items: [...ring, ...ring].slice(from, from + 100), hasMore: true };
    };
    const wanted = new Set(['ftjob-0', 'ftjob-1', 'ftjob-120']);
    await expect(scanJobs({ limit: 4, after: null }, only(wanted), read)).rejects.toMatchObject(stuck);
  });

  it('pass on what a failing read says', async () => {
    const read = async () => Promise.reject(new UpstreamError('UPSTREAM_RATE_LIMITED', 'slow down'));
    await expect(scanJobs({ limit: 5, after: null }, all, read)).rejects.toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
    });
  });
});
