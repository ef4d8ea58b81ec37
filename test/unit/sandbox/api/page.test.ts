import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSandbox, type WireJob } from '../open.ts';

type Page = { object: 'list'; data: WireJob[]; has_more: boolean };

/** Reads all pages of the list, with the last id as the cursor, until `has_more` is false. */
async function readPages(get: (path: string) => Promise<Response>, limit: number): Promise<string[]> {
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
  it('has the envelope of a job list, without first_id and last_id', async () => {
    const { body } = await (await openSandbox()).getJson('/fine_tuning/jobs');
    expect(Object.keys(body)).toEqual(['object', 'data', 'has_more']);
    expect(body).toMatchObject({ object: 'list', has_more: true });
  });

  it('returns 20 jobs by default', async () => {
    expect(await (await openSandbox()).jobs('')).toHaveLength(20);
  });

  it('returns the newest job first', async () => {
    const times = (await (await openSandbox()).jobs()).map(({ created_at }) => created_at);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it('returns each job once over all pages, with any limit', async () => {
    const { get, jobs } = await openSandbox();
    const all = (await jobs()).map(({ id }) => id);
    expect(all.length).toBeGreaterThan(60);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), async (limit) => {
        expect(await readPages(get, limit)).toEqual(all);
      }),
      { numRuns: 12, examples: [[1], [100], [all.length]] },
    );
  });

  it('returns each existing job once over all pages while new jobs are created', async () => {
    const { get, jobs, clock } = await openSandbox();
    const before = (await jobs()).map(({ id }) => id);
    const ids = await readPages((path) => {
      clock.advance(20_000);
      return get(path);
    }, 10);
    expect(new Set(ids).isSupersetOf(new Set(before))).toBe(true);
    expect(ids).toHaveLength(new Set(ids).size);
  });

  it('has has_more false on the page that ends with the oldest job', async () => {
    const { getJson, jobs } = await openSandbox();
    const { length } = await jobs();
    expect((await getJson(`/fine_tuning/jobs?limit=${length}`)).body).toMatchObject({ has_more: false });
    expect((await getJson(`/fine_tuning/jobs?limit=${length - 1}`)).body).toMatchObject({ has_more: true });
  });

  it('returns an empty page after the oldest job', async () => {
    const { getJson, jobs } = await openSandbox();
    const oldest = (await jobs()).at(-1)?.id;
    expect((await getJson(`/fine_tuning/jobs?after=${oldest}`)).body).toEqual({
      object: 'list',
      data: [],
      has_more: false,
    });
  });

  it('returns each job with the body of GET /fine_tuning/jobs/{id}', async () => {
    const { getJson, jobs } = await openSandbox();
    for (const job of await jobs('?limit=30')) expect((await getJson(`/fine_tuning/jobs/${job.id}`)).body).toEqual(job);
  });

  it('has a new job first as soon as it is created', async () => {
    const { jobs, clock } = await openSandbox();
    const [newest] = await jobs('?limit=1');
    clock.advance(60_000);
    const now = (await jobs()).map(({ id }) => id);
    expect(now.indexOf(newest?.id ?? '')).toBeGreaterThan(0);
  });

  it('has a job with each of its statuses as time passes', async () => {
    const { jobs, getJson, clock } = await openSandbox();
    const known = new Set((await jobs()).map(({ id }) => id));
    const seen: string[] = [];
    let id: string | undefined;
    for (let seconds = 0; seconds < 300; seconds += 1) {
      clock.advance(1000);
      id ??= (await jobs('?limit=1')).find((job) => !known.has(job.id))?.id;
      if (id === undefined) continue;
      const { status } = (await getJson(`/fine_tuning/jobs/${id}`)).body as WireJob;
      if (status !== seen.at(-1)) seen.push(status);
    }
    expect(seen.slice(0, 3)).toEqual(['validating_files', 'queued', 'running']);
    expect(seen.slice(3)).toEqual([expect.stringMatching(/^(succeeded|cancelled)$/)]);
  });
});

describe('the parameters of GET /fine_tuning/jobs', () => {
  it.each(['0', '-1'])('reject the limit %s as too small', async (limit) => {
    const { status, body } = await (await openSandbox()).getJson(`/fine_tuning/jobs?limit=${limit}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { param: 'limit', code: 'integer_below_min_value' } });
  });

  it.each(['abc', '', '1.5', '1e2', '0x10', ' 5'])('reject the limit "%s", which is not an integer', async (limit) => {
    const { status, body } = await (await openSandbox()).getJson(
      `/fine_tuning/jobs?limit=${encodeURIComponent(limit)}`,
    );
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

  it('reject an unknown cursor', async () => {
    const { status, body } = await (await openSandbox()).getJson('/fine_tuning/jobs?after=ftjob-unknown');
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { param: 'after', code: 'fine_tune_not_found' } });
  });

  it('are ignored when they are unknown', async () => {
    const { jobs } = await openSandbox();
    expect(await jobs('?status=failed&limit=5')).toEqual(await jobs('?limit=5'));
  });
});
