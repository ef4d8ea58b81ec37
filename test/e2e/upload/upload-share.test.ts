import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openWire, type Wire } from '../../kit/client/raw-http.ts';
import {
  CLOSING,
  chunkOf,
  filePart,
  headOf,
  openForm,
  partsOf,
  trainingLines,
  upload,
} from '../../kit/client/upload.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Uploads last as long as their senders like: what one caller holds by them is not all that there is.

const LINES = trainingLines(12);
const BEGINNING = chunkOf(openForm(...partsOf(), filePart(LINES)));
const JOB = '{ fineTuningJob(id: "ftjob-1") { status } }';

/** A server that counts the uploads that have begun, and answers those that end. */
async function start(settings: Record<string, string>) {
  const upstream = await startUpstream();
  const begun = { count: 0 };
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  upstream.on('/files', (request: IncomingMessage, response: ServerResponse) => {
    request.once('data', () => begun.count++);
    request.resume().on('end', () => answer(response, 200, fileBody('file-1')));
  });
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', ...settings });
  const wires: Wire[] = [];
  return {
    url: gateway.url,
    query: gateway.query,
    begun,
    /** Begins so many uploads, which go on until their wires are told otherwise. */
    async hold(count: number, bearerOf: (index: number) => string = () => '') {
      for (let index = 0; index < count; index++) {
        const wire = await openWire(gateway.url);
        wires.push(wire);
        const bearer = bearerOf(index);
        wire.write(headOf(null, bearer && `Authorization: Bearer ${bearer}\r\n`), BEGINNING);
      }
      return wires;
    },
    async [Symbol.asyncDispose]() {
      for (const wire of wires) await wire[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe('uploads that last', () => {
  it('are four of one caller at most; another still has his', async () => {
    const { file, tokens } = tokenFile({ ann: 'operator', bob: 'operator' });
    await using world = await start({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    await world.hold(4, () => tokens.ann);
    await until(() => world.begun.count === 4);
    const uploadAs = (token: string) => upload(world.url, LINES, { headers: { authorization: `Bearer ${token}` } });
    const refused = await uploadAs(tokens.ann);
    expect([refused.status, refused.body.errors]).toMatchObject([
      429,
      [{ message: 'Uploads: expected at most 4 of one caller at a time.', extensions: { code: 'RATE_LIMITED' } }],
    ]);
    expect((await uploadAs(tokens.bob)).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
  });

  it('are 16 at most of all callers, each of which has its own again when one has ended', async () => {
    const names = ['ann', 'bob', 'cleo', 'dan', 'eve'] as const;
    const { file, tokens } = tokenFile({
      ann: 'operator',
      bob: 'operator',
      cleo: 'operator',
      dan: 'operator',
      eve: 'operator',
    });
    await using world = await start({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const wires = await world.hold(16, (index) => tokens[names[Math.floor(index / 4)] ?? 'eve']);
    await until(() => world.begun.count === 16);
    const last = () => upload(world.url, LINES, { headers: { authorization: `Bearer ${tokens.eve}` } });
    const refused = await last();
    expect(refused.body.errors?.[0]?.message).toBe('Uploads: expected at most 16 of all callers together at a time.');
    wires[0]?.write(chunkOf(CLOSING), '0\r\n\r\n');
    await wires[0]?.said(/UploadFileSuccess/);
    expect((await last()).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
  });

  it('are four of all keys of one address that nobody has accepted yet', async () => {
    await using world = await start({ AUTH: 'passthrough' });
    await world.hold(4, (index) => `made-up-key-${index}`);
    await until(() => world.begun.count === 4);
    const refused = await upload(world.url, LINES, { headers: { authorization: 'Bearer made-up-key-9' } });
    expect(refused.body.errors?.[0]?.message).toBe('Uploads: expected at most 4 of one caller at a time.');
    const known = 'Bearer key-of-somebody';
    expect((await askAs(world.url, known, JOB)).data).toEqual({ fineTuningJob: { status: 'RUNNING' } });
    const another = await upload(world.url, LINES, { headers: { authorization: known } });
    expect(another.outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
  });

  it('leave half of the connections to the upstream to queries', async () => {
    await using world = await start({ UPSTREAM_CONNECTIONS: '2' });
    await world.hold(2);
    await until(() => world.begun.count === 1);
    expect(await world.query(JOB)).toEqual({ data: { fineTuningJob: { status: 'RUNNING' } } });
    expect((await upload(world.url, LINES)).status).toBe(429);
  });
});
