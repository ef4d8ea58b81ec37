import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../../src/sandbox/state/faults.ts';
import { openRawConnection } from '../../../kit/client/raw-http.ts';
import { openWritable, UNTIL_RUNNING } from '../write.ts';

const CREATE = '/fine_tuning/jobs';

/** Opens a sandbox with a file. `created` counts the jobs that use it. */
async function openFaulty() {
  const sandbox = await openWritable();
  const { id: training_file } = await sandbox.uploaded();
  return {
    ...sandbox,
    create: (members = {}) => sandbox.create({ training_file, ...members }),
    created: async () => (await sandbox.jobs()).filter((job) => job.training_file === training_file).length,
  };
}

describe('an injected fault', () => {
  it.each<[Fault, number]>([
    ['cut_at_once', 0],
    ['cut_in_body', 0],
    ['cut_after_body', 0],
    ['cut_before_response', 1],
    ['cut_after_status', 1],
    ['cut_in_response', 1],
  ])('%s closes the connection after %i jobs are created, and the next request succeeds', async (fault, count) => {
    const { faults, create, created } = await openFaulty();
    faults.onNext('POST', CREATE, fault);
    await expect(create()).rejects.toThrow();
    expect(await created()).toBe(count);
    expect((await create()).status).toBe(200);
    expect(await created()).toBe(count + 1);
  });

  it.each<[Fault, number]>([
    ['fail_before', 0],
    ['fail_after', 1],
  ])('%s returns 500 after %i jobs are created', async (fault, count) => {
    const { faults, create, created } = await openFaulty();
    faults.onNext('POST', CREATE, fault);
    expect(await create()).toMatchObject({ status: 500, body: { error: { type: 'server_error' } } });
    expect(await created()).toBe(count);
  });

  it('silence creates the job and sends no response', async () => {
    const { faults, baseUrl, uploaded, jobs, job } = await openWritable();
    const { id } = await uploaded();
    faults.onNext('POST', CREATE, 'silence');
    const body = JSON.stringify({ model: 'gpt-4o-mini', training_file: id });
    await using wire = await openRawConnection(baseUrl.href);
    wire.write(
      `POST /v1${CREATE} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a\r\ncontent-type: application/json\r\n`,
      `content-length: ${body.length}\r\n\r\n${body}`,
    );
    let newest = (await jobs())[0];
    while (newest?.training_file !== id) newest = (await jobs())[0];
    expect((await job(newest.id)).status).toBe('validating_files');
  });

  it('sends only the status line, or half of the body', async () => {
    const { faults, baseUrl } = await openWritable();
    const received = async (fault: Fault) => {
      faults.onNext('GET', '/models', fault);
      await using wire = await openRawConnection(baseUrl.href);
      wire.write('GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a\r\n\r\n');
      return await wire.closed;
    };
    expect(await received('cut_after_status')).toBe('HTTP/1.1 200 OK\r\n');
    const [head = '', body = ''] = (await received('cut_in_response')).split('\r\n\r\n');
    expect(body.length).toBe(Math.floor(Number(/content-length: (\d+)/.exec(head)?.[1]) / 2));
  });

  it('affects one request each, in order, and only of its method and path', async () => {
    const { faults, create, control, created } = await openFaulty();
    faults.onNext('POST', CREATE, 'fail_before', 'fail_after');
    expect((await control('x', 'cancel')).status).toBe(404);
    expect([(await create()).status, await created()]).toEqual([500, 0]);
    expect([(await create()).status, await created()]).toEqual([500, 1]);
    expect([(await create()).status, await created()]).toEqual([200, 2]);
  });
});

describe('the fault of the metadata filter', () => {
  const query = '?metadata[once]=k';

  it('is none by default: the filter finds a new job at once, and no other', async () => {
    const { create, jobs } = await openFaulty();
    const { body } = await create({ metadata: { once: 'k' } });
    await create({ metadata: { once: 'other' } });
    expect((await jobs(query)).map(({ id }) => id)).toEqual([body.id]);
  });

  it('lets the filter find a job after the lag only; the unfiltered list has it at once', async () => {
    const { faults, create, jobs, clock } = await openFaulty();
    faults.filter = { lagsMs: UNTIL_RUNNING };
    const { body } = await create({ metadata: { once: 'k' } });
    expect((await jobs())[0]?.id).toBe(body.id);
    clock.advance(UNTIL_RUNNING - 1);
    expect(await jobs(query)).toEqual([]);
    clock.advance(1);
    expect((await jobs(query)).map(({ id }) => id)).toEqual([body.id]);
  });

  it('lets the list return all jobs when the filter is ignored', async () => {
    const { faults, jobs } = await openWritable();
    faults.filter = 'ignored';
    expect((await jobs(`${query}&limit=1000`)).length).toBe((await jobs()).length);
  });
});
