import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import {
  chunkOf,
  FORM_END,
  filePart,
  headOf,
  partsOf,
  trainingLines,
  unclosedForm,
  upload,
} from '../../kit/client/upload.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Clients decide how long an upload takes: one caller must not hold all upstream connections.

const LINES = trainingLines(12);
const BEGINNING = chunkOf(unclosedForm(...partsOf(), filePart(LINES)));
const PER_CALLER = 'Uploads: the limit of 4 per caller is reached (UPSTREAM_CONNECTIONS); retry when one has ended.';
const JOB = '{ fineTuningJob(id: "ftjob-1") { status } }';

/** A gateway with an upstream that counts the started uploads, and responds at their end. */
async function start(settings: Record<string, string>) {
  const upstream = await startUpstream();
  const started = { count: 0 };
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  upstream.on('/files', (request: IncomingMessage, response: ServerResponse) => {
    request.once('data', () => started.count++);
    request.resume().on('end', () => writeResponse(response, 200, fileBody('file-1')));
  });
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', ...settings });
  const connections: RawConnection[] = [];
  return {
    url: gateway.url,
    query: gateway.query,
    started,
    /** Starts uploads that do not end by themselves. Returns their connections. */
    async hold(count: number, bearerOf: (index: number) => string = () => '') {
      for (let index = 0; index < count; index++) {
        const connection = await openRawConnection(gateway.url);
        connections.push(connection);
        const bearer = bearerOf(index);
        connection.write(headOf(null, bearer && `Authorization: Bearer ${bearer}\r\n`), BEGINNING);
      }
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) await connection[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe('concurrent uploads', () => {
  it('are at most four per caller; another caller can still upload', async () => {
    const { file, tokens } = tokenFile({ ann: 'operator', bob: 'operator' });
    await using world = await start({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    await world.hold(4, () => tokens.ann);
    await until(() => world.started.count === 4);
    const uploadAs = (token: string) => upload(world.url, LINES, { headers: { authorization: `Bearer ${token}` } });
    const rejected = await uploadAs(tokens.ann);
    expect([rejected.status, rejected.body.errors]).toMatchObject([
      429,
      [{ message: PER_CALLER, extensions: { code: 'RATE_LIMITED' } }],
    ]);
    expect((await uploadAs(tokens.bob)).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
  });

  it('are at most 16 in total, and a further one is possible when one has ended', async () => {
    const names = ['ann', 'bob', 'cleo', 'dan', 'eve'] as const;
    const { file, tokens } = tokenFile({
      ann: 'operator',
      bob: 'operator',
      cleo: 'operator',
      dan: 'operator',
      eve: 'operator',
    });
    await using world = await start({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const connections = await world.hold(16, (index) => tokens[names[Math.floor(index / 4)] ?? 'eve']);
    await until(() => world.started.count === 16);
    const last = () => upload(world.url, LINES, { headers: { authorization: `Bearer ${tokens.eve}` } });
    const rejected = await last();
    expect(rejected.body.errors?.[0]?.message).toBe(
      'Uploads: the limit of 16 in total is reached (UPSTREAM_CONNECTIONS); retry when one has ended.',
    );
    connections[0]?.write(chunkOf(FORM_END), '0\r\n\r\n');
    await connections[0]?.receivedMatch(/UploadFileSuccess/);
    expect((await last()).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
  });

  it('are at most four for all unverified keys of one address', async () => {
    await using world = await start({ AUTH: 'passthrough' });
    await world.hold(4, (index) => `invented-key-${index}`);
    await until(() => world.started.count === 4);
    const rejected = await upload(world.url, LINES, { headers: { authorization: 'Bearer invented-key-9' } });
    expect(rejected.body.errors?.[0]?.message).toBe(PER_CALLER);
    const accepted = 'Bearer accepted-key';
    expect((await askAs(world.url, accepted, JOB)).data).toEqual({ fineTuningJob: { status: 'RUNNING' } });
    const uploaded = await upload(world.url, LINES, { headers: { authorization: accepted } });
    expect(uploaded.outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
  });

  it('use at most half of the upstream connections', async () => {
    await using world = await start({ UPSTREAM_CONNECTIONS: '2' });
    await world.hold(2);
    await until(() => world.started.count === 1);
    expect(await world.query(JOB)).toEqual({ data: { fineTuningJob: { status: 'RUNNING' } } });
    expect((await upload(world.url, LINES)).status).toBe(429);
  });
});
