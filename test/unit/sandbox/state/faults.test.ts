import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../../src/sandbox/state/faults.ts';
import { openRawConnection } from '../../../kit/client/raw-http.ts';
import { openWritable, UNTIL_RUNNING } from '../write.ts';

const CREATE = '/fine_tuning/jobs';

/** A sandbox with a file, and how many jobs clients have made of it. */
async function openFaulty() {
  const sandbox = await openWritable();
  const { id: training_file } = await sandbox.uploaded();
  return {
    ...sandbox,
    create: (members = {}) => sandbox.create({ training_file, ...members }),
    made: async () => (await sandbox.jobs()).filter((job) => job.training_file === training_file).length,
  };
}

describe('a fault', () => {
  it.each<[Fault, number]>([
    ['cut_at_once', 0],
    ['cut_in_body', 0],
    ['cut_after_body', 0],
    ['cut_before_answer', 1],
    ['cut_after_status', 1],
    ['cut_in_answer', 1],
  ])('%s breaks the connection when %i jobs were made, and the next request is answered', async (fault, count) => {
    const { faults, create, made } = await openFaulty();
    faults.onNext('POST', CREATE, fault);
    await expect(create()).rejects.toThrow();
    expect(await made()).toBe(count);
    expect((await create()).status).toBe(200);
    expect(await made()).toBe(count + 1);
  });

  it.each<[Fault, number]>([
    ['fail_before', 0],
    ['fail_after', 1],
  ])('%s answers 500 when %i jobs were made', async (fault, count) => {
    const { faults, create, made } = await openFaulty();
    faults.onNext('POST', CREATE, fault);
    expect(await create()).toMatchObject({ status: 500, body: { error: { type: 'server_error' } } });
    expect(await made()).toBe(count);
  });

  it('silence makes the job and says nothing', async () => {
    const { faults, baseUrl, uploaded, jobs, job } = await openWritable();
    const { id } = await uploaded();
    faults.onNext('POST', CREATE, 'silence');
    const body = JSON.stringify({ model: 'gpt-4o-mini', training_file: id });
    await using wire = await openRawConnection(baseUrl.href);
    wire.write(
      `POST /v1${CREATE} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a\r\ncontent-type: application/json\r\n`,
      `content-length: ${body.length}\r\n\r\n${body}`,
    );
    let made = (await jobs())[0];
    while (made?.training_file !== id) made = (await jobs())[0];
    expect((await job(made.id)).status).toBe('validating_files');
  });

  it('says no more than the status line, or half of the body', async () => {
    const { faults, baseUrl } = await openWritable();
    const answer = async (fault: Fault) => {
      faults.onNext('GET', '/models', fault);
      await using wire = await openRawConnection(baseUrl.href);
      wire.write('GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a\r\n\r\n');
      return await wire.closed;
    };
    expect(await answer('cut_after_status')).toBe('HTTP/1.1 200 OK\r\n');
    const [head = '', body = ''] = (await answer('cut_in_answer')).split('\r\n\r\n');
    expect(body.length).toBe(Math.floor(Number(/content-length: (\d+)/.exec(head)?.[1]) / 2));
  });

  it('comes once for each time it was asked for, in order, and to no other request', async () => {
    const { faults, create, steer, made } = await openFaulty();
    faults.onNext('POST', CREATE, 'fail_before', 'fail_after');
    expect((await steer('x', 'cancel')).status).toBe(404);
    expect([(await create()).status, await made()]).toEqual([500, 0]);
    expect([(await create()).status, await made()]).toEqual([500, 1]);
    expect([(await create()).status, await made()]).toEqual([200, 2]);
  });
});

describe('the metadata filter', () => {
  const find = '?metadata[once]=k';

  it('finds a new job at once, and only that', async () => {
    const { create, jobs } = await openFaulty();
    const { body } = await create({ metadata: { once: 'k' } });
    await create({ metadata: { once: 'other' } });
    expect((await jobs(find)).map(({ id }) => id)).toEqual([body.id]);
  });

  it('finds it late when it lags, while the whole list has it', async () => {
    const { faults, create, jobs, clock } = await openFaulty();
    faults.filter = { lagsMs: UNTIL_RUNNING };
    const { body } = await create({ metadata: { once: 'k' } });
    expect((await jobs())[0]?.id).toBe(body.id);
    clock.advance(UNTIL_RUNNING - 1);
    expect(await jobs(find)).toEqual([]);
    clock.advance(1);
    expect((await jobs(find)).map(({ id }) => id)).toEqual([body.id]);
  });

  it('finds everything when it is ignored', async () => {
    const { faults, jobs } = await openWritable();
    faults.filter = 'ignored';
    expect((await jobs(`${find}&limit=1000`)).length).toBe((await jobs()).length);
  });
});
