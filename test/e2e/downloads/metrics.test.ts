import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { PAGES_PER_CURVE } from '../../../src/store/resources/metrics.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { csvOf, toBase64 } from '../../kit/bodies/results.ts';
import { download, errorOf, openDownload } from '../../kit/client/download.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const PATH = '/fine_tuning_jobs/ftjob-1/metrics';
const HEADER =
  'step,createdAt,trainLoss,trainMeanTokenAccuracy,validLoss,validMeanTokenAccuracy,fullValidLoss,fullValidMeanTokenAccuracy,trainMeanReward,validMeanReward,fullValidMeanReward';
const EVENTS_PER_PAGE = 100;

/** Metrics events of these steps, newest first. */
const eventsOf = (steps: number) =>
  Array.from({ length: steps }, (_, index) =>
    eventBody(`ftevent-${steps - index}`, {
      type: 'metrics',
      created_at: 1_760_000_000 + steps - index,
      data: { step: steps - index, train_loss: 0.5, extra: 'x' },
    }),
  );

async function start(steps: number, settings: Record<string, string> = {}) {
  const world = await startWorld(settings);
  world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
  world.upstream.onEvents('ftjob-1', eventsOf(steps));
  return world;
}

describe('the metrics of a running job', () => {
  it('are all points from its events, as CSV', async () => {
    await using world = await start(150);
    const { status, headers, text } = await download(world.gateway.url, `${PATH}.csv`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="ftjob-1-metrics.csv"',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'metrics-complete': 'true',
    });
    const lines = text.split('\n');
    expect(lines.slice(0, 2)).toEqual([HEADER, '1,1760000001,0.5,,,,,,,,']);
    expect(lines.slice(-2)).toEqual(['150,1760000150,0.5,,,,,,,,', '']);
    expect(lines).toHaveLength(152);
    expect(world.gateway.log.at(-1)).toMatchObject({ route: '/fine_tuning_jobs/ID/metrics.csv', status: 200 });
  });

  it('are points with the fields of FineTuningJobMetricsPoint, as JSON', async () => {
    await using world = await start(150);
    const { headers, text } = await download(world.gateway.url, `${PATH}.json`);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    const { points, ...curve } = JSON.parse(text);
    expect(curve).toEqual({ jobId: 'ftjob-1', rawStatus: 'running', isComplete: true, totalPoints: 150 });
    const { fineTuningJob, type } = await world.ask<{ [field: string]: Record<string, never> }>(
      `{ fineTuningJob(id: "ftjob-1") { metrics { points { ${HEADER.replaceAll(',', ' ')} data } } }
        type: __type(name: "FineTuningJobMetricsPoint") { fields { name } } }`,
    );
    expect(points).toEqual(Object(fineTuningJob)['metrics'].points);
    const fields = Object(type)['fields'].map(({ name }: { name: string }) => name);
    expect(Object.keys(points[0]).sort()).toEqual(fields.sort());
    expect([...HEADER.split(','), 'data'].sort()).toEqual(fields);
  });

  it('are all points also of a log that is longer than one query reads', async () => {
    const steps = (PAGES_PER_CURVE + 5) * EVENTS_PER_PAGE;
    await using world = await start(steps);
    const { headers, text } = await download(world.gateway.url, `${PATH}.csv`);
    expect([headers['metrics-complete'], text.split('\n').length]).toEqual(['true', steps + 2]);
  });

  it('are marked as incomplete when older events are missing', async () => {
    const steps = (PAGES_PER_CURVE + 5) * EVENTS_PER_PAGE;
    const enough = 1 + 2 + PAGES_PER_CURVE + PAGES_PER_CURVE / 2;
    await using world = await start(steps, { RATE_LIMIT_PER_MINUTE: String(enough) });
    const csv = await download(world.gateway.url, `${PATH}.csv`);
    const received = PAGES_PER_CURVE * EVENTS_PER_PAGE;
    expect([csv.status, csv.headers['metrics-complete'], csv.text.split('\n').length]).toEqual([
      200,
      'false',
      received + 2,
    ]);
    expect(errorOf(await download(world.gateway.url, `${PATH}.json`))).toMatchObject({ status: 429 });

    await using other = await start(150);
    other.upstream.on('/fine_tuning/jobs/ftjob-1/events?limit=100&after=ftevent-51', 'not a list');
    const { headers, text } = await download(other.gateway.url, `${PATH}.json`);
    expect([headers['metrics-complete'], JSON.parse(text).isComplete]).toEqual(['false', false]);
  });
});

describe('the metrics of an ended job', () => {
  const ended = jobBody({ id: 'ftjob-1', status: 'succeeded', finished_at: 1_760_000_000, result_files: ['file-r'] });

  it('are all points of its results file', async () => {
    await using world = await startWorld();
    const rows = Array.from({ length: 30_000 }, (_, index) => [index + 1, index % 2 ? 0.25 : '', 'a,"b"\n'] as const);
    const quoted = rows.map(([step, loss, note]) => [step, loss, `"${note.replaceAll('"', '""')}"`]);
    world.upstream.onJob(ended);
    world.upstream.onContent('file-r', toBase64(csvOf('step,train_loss,note', quoted)));
    const csv = await download(world.gateway.url, `${PATH}.csv`);
    expect(csv.text).toBe(
      csvOf(
        HEADER,
        rows.map(([step, loss]) => [step, '', loss, ...Array.from({ length: 8 }, () => '')]),
      ),
    );
    const { points } = JSON.parse((await download(world.gateway.url, `${PATH}.json`)).text);
    expect([points.length, points[1].data]).toEqual([30_000, { step: 2, train_loss: 0.25, note: 'a,"b"\n' }]);
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1', '/files/file-r/content']);
    expect(csv.headers).toMatchObject({ 'metrics-complete': 'true' });
  });

  it('are 504 when the upstream stalls, and 502 when it fails', async () => {
    await using world = await startWorld();
    world.upstream.onJob(ended);
    const sent = Promise.withResolvers<void>();
    world.upstream.on('/files/file-r/content', (_: unknown, response: ServerResponse) =>
      response.writeHead(200).write('step,train_loss\n1,', () => sent.resolve()),
    );
    const pending = download(world.gateway.url, `${PATH}.csv`);
    await sent.promise;
    world.clock.advance(30_000);
    expect(errorOf(await pending)).toMatchObject({ status: 504, code: 'UPSTREAM_TIMEOUT' });
    world.upstream.on('/files/file-r/content', (_: unknown, response: ServerResponse) =>
      writeResponse(response, 500, ''),
    );
    expect(errorOf(await download(world.gateway.url, `${PATH}.csv`))).toMatchObject({ status: 502 });
  });
});

it('a client that reads nothing of a long curve is disconnected, and delays no other caller', async () => {
  await using world = await startWorld({ IDLE_TIMEOUT_MS: '1500' });
  world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-r'] }));
  const rows = Array.from({ length: 100_000 }, (_, index) => [index + 1, 0.123456789]);
  world.upstream.onContent('file-r', csvOf('step,train_loss', rows));
  const response = await openDownload(world.gateway.url, `${PATH}.json`); // 30 MB: more than all buffers.
  expect(response.statusCode).toBe(200);
  await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }');
  await until(() => world.gateway.log.some(({ isAborted }) => isAborted === true));
  response.destroy();
});

it('metrics without points are an empty table, and a job without permission or existence is an error', async () => {
  const { file, tokens } = tokenFile({ vera: 'viewer' });
  await using world = await start(0, { AUTH: 'tokens', AUTH_TOKENS_FILE: file });
  const headers = { authorization: `Bearer ${tokens.vera}` }; // As the field `metrics`, open to every role.
  expect((await download(world.gateway.url, `${PATH}.csv`, headers)).text).toBe(`${HEADER}\n`);
  expect(JSON.parse((await download(world.gateway.url, `${PATH}.json`, headers)).text).points).toEqual([]);
  const head = await download(world.gateway.url, `${PATH}.csv`, headers, 'HEAD');
  expect(head).toMatchObject({ status: 200, text: '', headers: { 'metrics-complete': 'true' } });
  expect(head.headers['content-length']).toBeUndefined();
  expect(errorOf(await download(world.gateway.url, `${PATH}.csv`))).toMatchObject({ status: 401 });
  expect(errorOf(await download(world.gateway.url, `${PATH}.csv`, headers, 'POST'))).toMatchObject({ status: 405 });
  const missing = await download(world.gateway.url, '/fine_tuning_jobs/no/metrics.csv', headers);
  expect(errorOf(missing)).toEqual({
    status: 404,
    code: 'NOT_FOUND',
    message: 'Fine-tuning job: "no" does not exist; expected an id such as ftjob-abc123.',
  });
});
