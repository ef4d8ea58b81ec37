import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { csvOf, toBase64 } from '../../kit/bodies/results.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { METRIC_FIELDS } from '../../kit/store/series.ts';

const CONTENT = '/files/file-results/content';
const EVENTS = '/fine_tuning/jobs/ftjob-1/events';
const EVERY_METRIC = Object.keys(METRIC_FIELDS).join(' ');

interface Curve {
  points: Record<string, unknown>[];
  totalPoints: number;
  isComplete: boolean;
}

/** A world with an ended job, and the content of its results file. */
async function startFinished(...content: (string | Uint8Array)[]): Promise<World> {
  const world = await startWorld();
  world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-results'] }));
  if (content.length > 0) world.upstream.onContent('file-results', ...content);
  return world;
}

/** A world with a running job and these events, newest first. */
async function startRunning(...events: ReturnType<typeof eventBody>[]): Promise<World> {
  const world = await startWorld();
  world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  world.upstream.onEvents('ftjob-1', events);
  return world;
}

const query = (selection: string, args = '') => `{ fineTuningJob(id: "ftjob-1") { metrics${args} { ${selection} } } }`;

async function curveOf(world: World, point: string, args = ''): Promise<Curve> {
  const { fineTuningJob } = await world.ask(query(`points { ${point} } totalPoints isComplete`, args));
  return (fineTuningJob as { metrics: Curve }).metrics;
}

/** The curve of a results file with this content. */
async function readCurve(content: string | Uint8Array, point: string): Promise<Curve> {
  await using world = await startFinished(content);
  return await curveOf(world, point);
}

const HEADER = 'step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy';
// As OpenAI sends it: five decimals, an exponent, and empty cells for values that were not measured.
const FILE = `${HEADER}\n1,1.60742,0.64516,,\n2,6e-05,0.7,1.39911,0.66667\n`;
const POINT = 'step createdAt trainLoss trainMeanTokenAccuracy validLoss validMeanTokenAccuracy data';
const POINTS = [
  {
    step: 1,
    createdAt: null,
    trainLoss: 1.60742,
    trainMeanTokenAccuracy: 0.64516,
    validLoss: null,
    validMeanTokenAccuracy: null,
    data: { step: 1, train_loss: 1.60742, train_accuracy: 0.64516 },
  },
  {
    step: 2,
    createdAt: null,
    trainLoss: 0.00006,
    trainMeanTokenAccuracy: 0.7,
    validLoss: 1.39911,
    validMeanTokenAccuracy: 0.66667,
    data: { step: 2, train_loss: 6e-5, train_accuracy: 0.7, valid_loss: 1.39911, valid_mean_token_accuracy: 0.66667 },
  },
];

describe('the metrics of an ended job', () => {
  it.each([
    ['in base64', toBase64(FILE)],
    ['plain', FILE],
    ['plain with CRLF', FILE.replaceAll('\n', '\r\n')],
    [
      'in base64 with CRLF, and line breaks every 76 characters',
      toBase64(FILE.replaceAll('\n', '\r\n')).replace(/.{76}/g, '$&\r\n'),
    ],
    ['plain, without a line break after the last row', FILE.trimEnd()],
    ['plain, with a byte order mark', `\uFEFF${FILE}`],
  ])('are read from its results file: %s', async (_, content) => {
    expect(await readCurve(content, POINT)).toEqual({ points: POINTS, totalPoints: 2, isComplete: true });
  });

  it('cost two calls: the job and its results file', async () => {
    await using world = await startFinished(FILE);
    await curveOf(world, 'step');
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1', CONTENT]);
  });

  it('have a field for every metric', async () => {
    const names = Object.entries(METRIC_FIELDS);
    const csv = csvOf(`step,${Object.values(METRIC_FIELDS).join(',')}`, [[9, ...names.map((_, index) => index + 0.5)]]);
    const { points } = await readCurve(toBase64(csv), EVERY_METRIC);
    expect(points).toEqual([Object.fromEntries(names.map(([name], index) => [name, index + 0.5]))]);
  });

  it('read -1 as a missing loss or accuracy, as on Azure, and as a value of a reward', async () => {
    const csv = 'step,train_loss,valid_mean_token_accuracy,train_mean_reward\n1,0.5,-1,-1\n2,-1.0,0.25,0\n';
    expect((await readCurve(csv, 'trainLoss validMeanTokenAccuracy trainMeanReward data')).points).toEqual([
      {
        trainLoss: 0.5,
        validMeanTokenAccuracy: null,
        trainMeanReward: -1,
        data: { step: 1, train_loss: 0.5, train_mean_reward: -1 },
      },
      {
        trainLoss: null,
        validMeanTokenAccuracy: 0.25,
        trainMeanReward: 0,
        data: { step: 2, valid_mean_token_accuracy: 0.25, train_mean_reward: 0 },
      },
    ]);
  });

  it('have unknown columns in data, as numbers or strings', async () => {
    expect((await readCurve('step,lr,note\n1,1e-5,"warm, up"\n2,,\n', 'trainLoss data')).points).toEqual([
      { trainLoss: null, data: { step: 1, lr: 0.00001, note: 'warm, up' } },
      { trainLoss: null, data: { step: 2 } },
    ]);
  });

  it.each(['inf', 'nan', 'n/a'])('have no loss when the file has %s, which is in data', async (text) => {
    expect((await readCurve(`step,train_loss\n1,${text}\n2,0.5\n`, 'trainLoss data')).points).toEqual([
      { trainLoss: null, data: { step: 1, train_loss: text } },
      { trainLoss: 0.5, data: { step: 2, train_loss: 0.5 } },
    ]);
  });

  it('are in the order of the steps, without rows that have no step', async () => {
    const csv = 'train_loss,step\n0.3,3\n0.9,\n0.1,1\n0.2,2.0\n0.8,x\n';
    expect(await readCurve(csv, 'step trainLoss')).toEqual({
      points: [
        { step: 1, trainLoss: 0.1 },
        { step: 2, trainLoss: 0.2 },
        { step: 3, trainLoss: 0.3 },
      ],
      totalPoints: 3,
      isComplete: true,
    });
  });

  it.each([
    ['has a header only', `${HEADER}\n`],
    ['has a header only, in base64', toBase64(`${HEADER}\n`)],
  ])('are empty when the file %s', async (_, content) => {
    expect(await readCurve(content, 'step')).toEqual({ points: [], totalPoints: 0, isComplete: true });
  });

  it('do not contain the upstream key, even when the file does', async () => {
    const key = 'sk-test-0123456789abcdef';
    await using world = await startWorld({ OPENAI_API_KEY: key });
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-results'] }));
    world.upstream.onContent('file-results', toBase64(`step,note,${key}\n1,by ${key}.,2\n`));
    const curve = await curveOf(world, 'data');
    expect(curve.points).toEqual([{ data: { step: 1, note: 'by [credential].', '[credential]': 2 } }]);
  });

  it('are exact for 50 MB of base64', async () => {
    const rows = 1_000_000;
    const lossAt = (step: number, scale: number) => (scale / Math.sqrt(step)).toFixed(5);
    const lineOf = (step: number) =>
      `${step},${lossAt(step, 3)},0.50000,${step % 100 === 0 ? `${lossAt(step, 4)},0.25000` : ','},${step % 7}.000000000000\n`;
    let bytes = 0;
    const encode = (text: string) => {
      bytes += Math.ceil(text.length / 3) * 4;
      return toBase64(text);
    };
    function* file() {
      let text = 'step,train_loss,train_mean_token_accuracy,valid_loss,valid_mean_token_accuracy,extra\n';
      for (let step = 1; step <= rows; step++) {
        text += lineOf(step);
        if (text.length < 65_536) continue;
        const end = text.length - (text.length % 3); // Base64 has padding at its end only.
        yield encode(text.slice(0, end));
        text = text.slice(end);
      }
      yield encode(text);
    }
    await using world = await startFinished();
    world.upstream.on(
      CONTENT,
      (_: IncomingMessage, response: ServerResponse) => void pipeline(Readable.from(file()), response),
    );
    const { points, totalPoints, isComplete } = await curveOf(
      world,
      'step trainLoss validLoss data',
      '(maxPoints: 1000)',
    );
    expect(bytes).toBeGreaterThan(50_000_000);
    expect({ totalPoints, isComplete, shown: points.length }).toEqual({
      totalPoints: rows,
      isComplete: true,
      shown: 1000,
    });
    expect(points[0]).toMatchObject({ step: 1, trainLoss: 3, validLoss: null, data: { extra: 1 } });
    expect(points).toContainEqual(expect.objectContaining({ step: 100, trainLoss: 0.3, validLoss: 0.4 }));
    expect(points.at(-1)).toEqual({
      step: rows,
      trainLoss: 0.003,
      validLoss: 0.004,
      data: {
        step: rows,
        train_loss: 0.003,
        train_mean_token_accuracy: 0.5,
        valid_loss: 0.004,
        valid_mean_token_accuracy: 0.25,
        extra: rows % 7,
      },
    });
    for (const { step, trainLoss } of points) expect(trainLoss).toBe(Number(lossAt(Number(step), 3)));
  }, 120_000);
});

describe('the results file of an ended job', () => {
  const STEPS = [stepBody(4, 4), stepBody(1, 4)];

  it.each([
    ['was deleted', undefined],
    ['does not exist', []],
  ])('is replaced by the events when it %s', async (_, result_files) => {
    await using world = await startFinished();
    if (result_files) world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'cancelled', result_files }));
    world.upstream.onEvents('ftjob-1', STEPS);
    expect(await curveOf(world, 'step createdAt trainLoss')).toEqual({
      points: [
        { step: 1, createdAt: 1_760_000_100, trainLoss: 2 },
        { step: 4, createdAt: 1_760_000_101, trainLoss: 1 },
      ],
      totalPoints: 2,
      isComplete: true,
    });
  });

  it.each([
    [404, '<html>'],
    [403, { error: { message: 'Not allowed' } }],
    [400, { error: { message: 'Not allowed to download files of purpose: fine-tune' } }],
  ])('is replaced by the events when the server has no file contents: %i', async (status, body) => {
    await using world = await startFinished();
    world.upstream.on(CONTENT, (_: IncomingMessage, response: ServerResponse) => writeResponse(response, status, body));
    world.upstream.onEvents('ftjob-1', STEPS);
    expect((await curveOf(world, 'step')).totalPoints).toBe(2);
  });

  it.each([
    ['an empty body', 200, ''],
    ['no body', 204, ''],
    ['blank lines', 200, '\n\r\n \n'],
  ])('is replaced by the events when the response has %s', async (_, status, body) => {
    await using world = await startFinished();
    world.upstream.on(CONTENT, (__: IncomingMessage, response: ServerResponse) =>
      writeResponse(response, status, body),
    );
    world.upstream.onEvents('ftjob-1', STEPS);
    expect((await curveOf(world, 'step')).totalPoints).toBe(2);
  });

  it('is UPSTREAM_INVALID_RESPONSE beyond 256 MiB, and the call is aborted', async () => {
    await using world = await startFinished();
    const chunk = Buffer.alloc(1024 * 1024, '\n');
    const closed = Promise.withResolvers<void>();
    let sent = 0;
    world.upstream.on(CONTENT, (_: IncomingMessage, response: ServerResponse) => {
      response.on('close', closed.resolve);
      response.write(toBase64(FILE.repeat(20)));
      const more = (error?: Error | null) => {
        if (error || response.destroyed || sent >= 600) return;
        sent++;
        response.write(chunk, more);
      };
      more();
    });
    const { data, errors } = await world.gateway.query(query('totalPoints'));
    expect(data).toEqual({ fineTuningJob: { metrics: null } });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    expect(world.gateway.log).toContainEqual(
      expect.objectContaining({ detail: expect.stringContaining('content: exceeds 268435456 bytes') }),
    );
    await closed.promise;
    expect(sent).toBeGreaterThanOrEqual(256);
    expect(sent).toBeLessThan(400);
  }, 120_000);

  it('is not read while the job runs', async () => {
    await using world = await startRunning(...STEPS);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', result_files: ['file-results'] }));
    expect((await curveOf(world, 'step')).totalPoints).toBe(2);
    expect(world.targets()).not.toContain(CONTENT);
  });

  it.each([
    ['has no column of steps', 'epoch,loss\n1,2\n'],
    ['is JSON', '{"error": "none"}'],
    ['is an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
    ['starts as base64 and continues as text', `${toBase64(FILE.repeat(50))} and so on`],
    ['ends within quotes', 'step,note\n1,"'],
  ])('is UPSTREAM_INVALID_RESPONSE of `metrics` only when it %s', async (_, content) => {
    await using world = await startFinished(content);
    world.upstream.onEvents('ftjob-1', STEPS);
    const { data, errors } = await world.gateway.query(
      '{ fineTuningJob(id: "ftjob-1") { id metrics { totalPoints } events { edges { node { id } } } progress { step } } }',
    );
    expect(data).toEqual({
      fineTuningJob: {
        id: 'ftjob-1',
        metrics: null,
        events: { edges: STEPS.map(({ id }) => ({ node: { id } })) },
        progress: { step: 4 },
      },
    });
    expect(errors).toMatchObject([
      { path: ['fineTuningJob', 'metrics'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } },
    ]);
    expect(world.gateway.log).toContainEqual(expect.objectContaining({ detail: expect.stringMatching('results: ') }));
  });

  it('is UPSTREAM_INVALID_RESPONSE when it is incomplete', async () => {
    await using world = await startFinished();
    world.upstream.on(CONTENT, (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write(FILE, () => response.destroy());
    });
    const { data, errors } = await world.gateway.query(query('totalPoints'));
    expect(data).toEqual({ fineTuningJob: { metrics: null } });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
  });

  it('is read again after an error', async () => {
    await using world = await startFinished();
    world.upstream.on(CONTENT, (_: IncomingMessage, response: ServerResponse) => writeResponse(response, 503, {}));
    expect((await world.gateway.query(query('totalPoints'))).errors?.[0]?.extensions['code']).toBe(
      'UPSTREAM_UNAVAILABLE',
    );
    world.upstream.onContent('file-results', FILE);
    expect((await curveOf(world, 'step')).totalPoints).toBe(2);
  });
});

describe('the metrics of a running job', () => {
  it('are those of its events, oldest first, with a field for every metric', async () => {
    const names = Object.entries(METRIC_FIELDS);
    const measured = Object.fromEntries(names.map(([, wire], index) => [wire, index + 0.5]));
    await using world = await startRunning(
      stepBody(2, 9, measured),
      eventBody('ftevent-0', { data: null }),
      stepBody(1, 9),
    );
    const data = { step: 1, total_steps: 9, train_loss: 2, train_mean_token_accuracy: 0.5 };
    const nothing = Object.fromEntries(names.map(([name]) => [name, null]));
    expect(await curveOf(world, `step createdAt data ${EVERY_METRIC}`)).toEqual({
      points: [
        { ...nothing, step: 1, createdAt: 1_760_000_100, trainLoss: 2, trainMeanTokenAccuracy: 0.5, data },
        {
          ...Object.fromEntries(names.map(([name], index) => [name, index + 0.5])),
          step: 2,
          createdAt: 1_760_000_100,
          data: { step: 2, total_steps: 9, ...measured },
        },
      ],
      totalPoints: 2,
      isComplete: true,
    });
  });

  it('have the nested objects of reinforcement fine-tuning in data', async () => {
    const data = {
      step: 10,
      train_mean_reward: 0.42,
      usage: { graders: [{ tokens: 1 }] },
      timing: { step: { eval: 2 } },
    };
    await using world = await startRunning(eventBody('ftevent-1', { data, type: 'metrics' }));
    expect((await curveOf(world, 'step trainMeanReward trainLoss data')).points).toEqual([
      { step: 10, trainMeanReward: 0.42, trainLoss: null, data },
    ]);
  });

  it('are read from events of any type, because some servers omit it', async () => {
    const withoutType = { ...stepBody(1, 2), type: undefined };
    await using world = await startRunning(
      withoutType,
      eventBody('ftevent-2', { type: 'metrics', data: { step: 'one' } }),
    );
    expect(await curveOf(world, 'step')).toEqual({ points: [{ step: 1 }], totalPoints: 1, isComplete: true });
  });

  it('have no loss when the upstream sends no number', async () => {
    const odd = [null, 'low', {}].map((train_loss, index) => stepBody(3 - index, 9, { train_loss }));
    await using world = await startRunning(...odd);
    expect((await curveOf(world, 'step trainLoss')).points).toEqual(
      [1, 2, 3].map((step) => ({ step, trainLoss: null })),
    );
  });

  it('are an empty curve before the first step', async () => {
    await using world = await startRunning(eventBody('ftevent-1'));
    expect(await curveOf(world, 'step')).toEqual({ points: [], totalPoints: 0, isComplete: true });
  });

  it('are not complete when the log is longer than 20 pages, and the next query continues', async () => {
    await using world = await startRunning(...Array.from({ length: 2500 }, (_, index) => stepBody(2500 - index, 2500)));
    const selection = 'step';
    const first = await curveOf(world, selection);
    expect(first).toMatchObject({ totalPoints: 2000, isComplete: false });
    expect([first.points[0], first.points.at(-1)]).toEqual([{ step: 501 }, { step: 2500 }]);
    expect(world.targets().filter((target) => target === EVENTS)).toHaveLength(20);
    world.clock.advance(1000);
    const second = await curveOf(world, selection);
    expect(second).toMatchObject({ totalPoints: 2500, isComplete: true });
    expect([second.points[0], second.points.at(-1)]).toEqual([{ step: 1 }, { step: 2500 }]);
    expect(world.targets().filter((target) => target === EVENTS)).toHaveLength(20 + 1 + 5); // One page of the newest events, and the remaining pages.
  });
});

describe('the metrics of an ended job without a results file', () => {
  it('are read on by the same query until they are complete, and then cached', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', finished_at: 1_760_000_000, result_files: [] }));
    const final = eventBody('ftevent-final', { message: 'The job has successfully completed' });
    const steps = Array.from({ length: 4100 }, (_, index) => stepBody(4100 - index, 4100));
    world.upstream.onEvents('ftjob-1', [final, ...steps]);
    const read = async () => {
      const { data } = await world.gateway.query(query('totalPoints isComplete')); // The same text each time.
      return (data as { fineTuningJob: { metrics: Curve } }).fineTuningJob.metrics;
    };
    expect(await read()).toEqual({ totalPoints: 1999, isComplete: false });
    expect(await read()).toEqual({ totalPoints: 3899, isComplete: false });
    expect(await read()).toEqual({ totalPoints: 4100, isComplete: true });
    const before = world.upstream.calls.length;
    expect(await read()).toEqual({ totalPoints: 4100, isComplete: true });
    expect(world.upstream.calls).toHaveLength(before);
  });
});

describe('the metrics of a running job whose server', () => {
  const steps = (from: number, to: number) =>
    Array.from({ length: from - to + 1 }, (_, index) => stepBody(from - index, 500));
  const startWith = async (script: (after: string | null, callNumber: number) => unknown) => {
    const world = await startRunning();
    let callCount = 0;
    world.upstream.on(EVENTS, ({ url }: IncomingMessage, response: ServerResponse) => {
      const after = new URL(url ?? '', 'http://upstream').searchParams.get('after');
      writeResponse(response, 200, script(after, ++callCount));
    });
    return world;
  };
  const stepsAfter = (after: string | null) => steps(after === null ? 250 : Number(after.split('-').at(-1)) - 1, 1);

  it.each([
    ['ignores `limit`', (after: string | null) => ({ data: stepsAfter(after), has_more: false })],
    ['lacks `has_more`', (after: string | null) => ({ data: stepsAfter(after).slice(0, 100) })],
    [
      'returns less than the limit',
      (after: string | null) => ({ data: stepsAfter(after).slice(0, 30), has_more: after !== 'ftevent-step-11' }),
    ],
    [
      'announces more, and returns nothing',
      (after: string | null) => ({ data: stepsAfter(after).slice(0, 100), has_more: true }),
    ],
  ])('%s are complete', async (_, script) => {
    await using world = await startWith(script);
    const { points, totalPoints, isComplete } = await curveOf(world, 'step', '(maxPoints: 1000)');
    expect(points).toEqual(steps(250, 1).map((_, index) => ({ step: index + 1 })));
    expect({ totalPoints, isComplete }).toEqual({ totalPoints: 250, isComplete: true });
  });

  it.each([
    ['repeats a page', () => ({ data: steps(100, 1), has_more: true })],
    [
      'has an older page that is invalid',
      (after: string | null) => (after === null ? { data: steps(200, 101), has_more: true } : { data: 7 }),
    ],
  ])('%s have the curve up to there, which is not complete', async (_, script) => {
    await using world = await startWith(script);
    for (const calls of [2, 4]) {
      expect(await world.ask(query('totalPoints isComplete'))).toEqual({
        fineTuningJob: { metrics: { totalPoints: 100, isComplete: false } },
      });
      expect(world.targets().filter((target) => target === EVENTS).length).toBeLessThanOrEqual(calls);
    }
  });

  it('alternates between two pages have each step once, and are not complete', async () => {
    const pages = [steps(200, 101), steps(100, 1)];
    await using world = await startWith((_, callNumber) => ({ data: pages[(callNumber - 1) % 2], has_more: true }));
    const { points, totalPoints, isComplete } = await curveOf(world, 'step');
    expect({ totalPoints, isComplete }).toEqual({ totalPoints: 200, isComplete: false });
    expect(points).toEqual(steps(200, 1).map((_, index) => ({ step: index + 1 })));
    expect(world.targets().filter((target) => target === EVENTS)).toHaveLength(3);
  });

  it('repeats the event of the cursor have each step once', async () => {
    await using world = await startWith((after) => {
      const data = after === null ? steps(250, 151) : steps(Number(after.split('-').at(-1)), 1).slice(0, 100);
      return { data, has_more: data.at(-1)?.id !== 'ftevent-step-1' };
    });
    const { points, isComplete } = await curveOf(world, 'step');
    expect(points).toEqual(steps(250, 1).map((_, index) => ({ step: index + 1 })));
    expect(isComplete).toBe(true);
  });
});

describe('maxPoints', () => {
  const ROWS = 2000;
  // A peak and a dip that 100 evenly spaced points would miss, and validation every tenth step.
  const lossAt = (step: number) => (step === 777 ? 99 : step === 1234 ? 0.001 : 2 + Math.sin(step / 50));
  const LONG = csvOf(
    'step,train_loss,valid_loss,full_valid_loss',
    Array.from({ length: ROWS }, (_, index) => index + 1).map((step) => [
      step,
      lossAt(step),
      step % 10 === 0 ? (step === 50 ? 50 : 1) : '',
      step % 500 === 0 ? 1.5 : '',
    ]),
  );

  it.each([15, 0, -1, 10_001, 2_147_483_647])(
    'is rejected when it is %i, and the metrics are not read',
    async (maxPoints) => {
      await using world = await startFinished(FILE);
      const { data, errors } = await world.gateway.query(query('totalPoints', `(maxPoints: ${maxPoints})`));
      expect(data).toEqual({ fineTuningJob: { metrics: null } });
      expect(errors).toMatchObject([
        {
          message: `maxPoints: is ${maxPoints}; expected an integer from 16 to 10000, such as 500.`,
          path: ['fineTuningJob', 'metrics'],
          extensions: { code: 'BAD_USER_INPUT', argument: 'maxPoints' },
        },
      ]);
      expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1']);
    },
  );

  it.each([
    ['16', '(maxPoints: 16)', 16],
    ['10000', '(maxPoints: 10000)', ROWS],
    ['omitted', '', 500],
    ['null', '(maxPoints: null)', 500],
  ])('limits the points when it is %s, but not the total', async (_, args, shown) => {
    await using world = await startFinished(LONG);
    const { points, totalPoints, isComplete } = await curveOf(world, 'step', args);
    expect({ shown: points.length, totalPoints, isComplete }).toEqual({ shown, totalPoints: ROWS, isComplete: true });
  });

  it('keeps the first and the last point, the minimum and the maximum loss, and points of validation', async () => {
    await using world = await startFinished(toBase64(LONG));
    const { points } = await curveOf(world, 'step trainLoss validLoss fullValidLoss', '(maxPoints: 100)');
    const steps = points.map(({ step }) => step);
    expect(points).toHaveLength(100);
    expect(steps).toEqual(steps.toSorted((a, b) => Number(a) - Number(b)));
    expect(new Set(steps).size).toBe(100);
    expect(steps).toEqual(expect.arrayContaining([1, 777, 1234, ROWS]));
    expect(points).toContainEqual({ step: 50, trainLoss: lossAt(50), validLoss: 50, fullValidLoss: null });
    expect(points.filter(({ fullValidLoss }) => fullValidLoss !== null)).toHaveLength(4);
    expect(points.filter(({ validLoss }) => validLoss !== null).length).toBeGreaterThanOrEqual(23);
    for (const { step, trainLoss } of points) expect(trainLoss).toBeCloseTo(lossAt(Number(step)), 10);
  });

  it('of several fields in one query costs one read', async () => {
    await using world = await startFinished(LONG);
    await world.ask(
      '{ fineTuningJob(id: "ftjob-1") { few: metrics(maxPoints: 16) { totalPoints } many: metrics(maxPoints: 999) { totalPoints } } }',
    );
    expect(world.targets().filter((target) => target === CONTENT)).toHaveLength(1);
  });
});
