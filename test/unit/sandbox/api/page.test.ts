import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSandbox, type WireJob } from '../open.ts';

type Page = { object: 'list'; data: WireJob[]; has_more: boolean };

/** Walks the whole list as a client does: on from the last id, until there is no more. */
async function walk(get: (path: string) => Promise<Response>, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let hasMore = true; hasMore; ) {
    const after = ids.length === 0 ? '' : `&after=${ids.at(-1)}`;
    const response = await get(`/fine_tuning/jobs?limit=${limit}${after}`);
    const page = (await response.json()) as Page;
    expect(page.data.length).toBeLessThanOrEqual(limit);
    ids.push(...page.data.map(({ id }) => id));
    hasMore = page.has_more;
  }
  return ids;
}

describe('GET /fine_tuning/jobs', () => {
  it('has the envelope of a list of jobs: no first and last id', async () => {
    const { body } = await (await openSandbox()).ask('/fine_tuning/jobs');
    expect(Object.keys(body)).toEqual(['object', 'data', 'has_more']);
    expect(body).toMatchObject({ object: 'list', has_more: true });
  });

  it('gives 20 jobs unless a limit says otherwise', async () => {
    expect(await (await openSandbox()).jobs('')).toHaveLength(20);
  });

  it('gives the newest first', async () => {
    const times = (await (await openSandbox()).jobs()).map(({ created_at }) => created_at);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it('loses and repeats no job on a walk with any limit', async () => {
    const { get, jobs } = await openSandbox();
    const all = (await jobs()).map(({ id }) => id);
    expect(all.length).toBeGreaterThan(60);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), async (limit) => {
        expect(await walk(get, limit)).toEqual(all);
      }),
      { numRuns: 12, examples: [[1], [100], [all.length]] },
    );
  });

  it('loses no job that was there when a walk began, though new ones come', async () => {
    const { get, jobs, clock } = await openSandbox();
    const before = (await jobs()).map(({ id }) => id);
    const walked = await walk((path) => {
      clock.advance(20_000);
      return get(path);
    }, 10);
    expect(new Set(walked).isSupersetOf(new Set(before))).toBe(true);
    expect(walked).toHaveLength(new Set(walked).size);
  });

  it('has no more behind a page that ends with the oldest', async () => {
    const { ask, jobs } = await openSandbox();
    const { length } = await jobs();
    expect((await ask(`/fine_tuning/jobs?limit=${length}`)).body).toMatchObject({ has_more: false });
    expect((await ask(`/fine_tuning/jobs?limit=${length - 1}`)).body).toMatchObject({ has_more: true });
  });

  it('gives an empty page after the oldest', async () => {
    const { ask, jobs } = await openSandbox();
    const oldest = (await jobs()).at(-1)?.id;
    expect((await ask(`/fine_tuning/jobs?after=${oldest}`)).body).toEqual({
      object: 'list',
      data: [],
      has_more: false,
    });
  });

  it('gives each job as it is when fetched alone', async () => {
    const { ask, jobs } = await openSandbox();
    for (const job of await jobs('?limit=30')) expect((await ask(`/fine_tuning/jobs/${job.id}`)).body).toEqual(job);
  });

  it('shows a new job on top as soon as it is created', async () => {
    const { jobs, clock } = await openSandbox();
    const [newest] = await jobs('?limit=1');
    clock.advance(60_000);
    const now = (await jobs()).map(({ id }) => id);
    expect(now.indexOf(newest?.id ?? '')).toBeGreaterThan(0);
  });

  it('shows the same job in each of its statuses as time goes by', async () => {
    const { jobs, ask, clock } = await openSandbox();
    const known = new Set((await jobs()).map(({ id }) => id));
    const seen: string[] = [];
    let id: string | undefined;
    for (let seconds = 0; seconds < 300; seconds += 1) {
      clock.advance(1000);
      id ??= (await jobs('?limit=1')).find((job) => !known.has(job.id))?.id;
      if (id === undefined) continue;
      const { status } = (await ask(`/fine_tuning/jobs/${id}`)).body as WireJob;
      if (status !== seen.at(-1)) seen.push(status);
    }
    expect(seen.slice(0, 3)).toEqual(['validating_files', 'queued', 'running']);
    expect(seen.slice(3)).toEqual([expect.stringMatching(/^(succeeded|cancelled)$/)]);
  });
});

describe('the parameters of a list', () => {
  it.each(['0', '-1'])('refuse the limit %s as too small', async (limit) => {
    const { status, body } = await (await openSandbox()).ask(`/fine_tuning/jobs?limit=${limit}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { param: 'limit', code: 'integer_below_min_value' } });
  });

  it.each(['abc', '', '1.5', '1e2', '0x10', ' 5'])('refuse the limit "%s" as no integer', async (limit) => {
    const { status, body } = await (await openSandbox()).ask(`/fine_tuning/jobs?limit=${encodeURIComponent(limit)}`);
    expect(status).toBe(400);
    expect(body).toEqual({
      error: {
        message: "Invalid type for 'limit': expected an integer, but got a string instead.",
        type: 'invalid_request_error',
        param: 'limit',
        code: 'invalid_type',
      },
    });
  });

  it('refuse a cursor that is no job', async () => {
    const { status, body } = await (await openSandbox()).ask('/fine_tuning/jobs?after=ftjob-nobody');
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { param: 'after', code: 'fine_tune_not_found' } });
  });

  it('are ignored when nobody knows them', async () => {
    const { jobs } = await openSandbox();
    expect(await jobs('?status=failed&limit=5')).toEqual(await jobs('?limit=5'));
  });
});
