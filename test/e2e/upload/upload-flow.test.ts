import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openLobby } from '../../kit/attack/connection-count.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { answersIn, exchange, openWire } from '../../kit/client/raw-http.ts';
import {
  CLOSING,
  chunkOf,
  filePart,
  formOf,
  headOf,
  openForm,
  partsOf,
  trainingLines,
  upload,
} from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer, type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

const LINES = trainingLines(12);
const BEGINNING = openForm(...partsOf(), filePart(LINES));
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const MIB = 1024 * 1024;

const settingsOf = ({ baseUrl }: ScriptedUpstream) => ({ OPENAI_BASE_URL: baseUrl, ALLOW_MUTATIONS: 'on' });

/** Takes forms, and counts those that have come to their end and those that have not. */
function takeForms(upstream: ScriptedUpstream) {
  const forms = { begun: 0, whole: 0, cut: 0 };
  upstream.on('/files', (request: IncomingMessage, response: Parameters<typeof answer>[0]) => {
    request.once('data', () => forms.begun++);
    request.resume().on('close', () => request.complete || forms.cut++);
    request.on('end', () => {
      forms.whole++;
      answer(response, 200, fileBody('file-1'));
    });
  });
  return forms;
}

describe('an upload that stops', () => {
  it('is refused when nothing comes for as long as is set, and the upstream request ended', async () => {
    await using upstream = await startUpstream();
    const forms = takeForms(upstream);
    const clock = createTestClock();
    await using gateway = await startGateway({ ...settingsOf(upstream), BODY_TIMEOUT_MS: '20000' }, clock);
    const lobby = await openLobby(gateway.url);
    await using wire = await openWire(gateway.url);
    wire.write(headOf(1_000_000), BEGINNING);
    await until(() => forms.begun === 1);
    for (let time = 0; time < 3; time++) {
      clock.advance(19_999);
      wire.write(LINES);
      await until(() => clock.untilNext === 20_000);
    }
    clock.advance(20_000);
    const [refused] = answersIn(await wire.closed);
    expect([refused?.status, refused?.body]).toEqual([408, expect.stringContaining('The request: expected sooner.')]);
    await until(() => forms.cut === 1);
    await lobby.emptied();
    expect(forms.whole).toBe(0);
    expect(gateway.log.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  });

  it('before its file has begun is refused like any slow body, however it drips', async () => {
    await using upstream = await startUpstream();
    const short = { HEADERS_TIMEOUT_MS: '500', BODY_TIMEOUT_MS: '500' };
    await using gateway = await startGateway({ ...settingsOf(upstream), ...short });
    await using wire = await openWire(gateway.url);
    wire.write(headOf(1_000_000), openForm(partsOf()[0]));
    let isOpen = true;
    void wire.closed.then(() => {
      isOpen = false;
    });
    while (isOpen) {
      wire.write(' ');
      await exchange(gateway.url, HEALTH);
    }
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([408]);
    expect(upstream.calls).toEqual([]);
  });
});

describe('an upload that flows', () => {
  it('takes as long as it takes, whatever a request may take otherwise', async () => {
    await using upstream = await startUpstream();
    takeForms(upstream);
    const short = { HEADERS_TIMEOUT_MS: '300', BODY_TIMEOUT_MS: '300' };
    // The gateway's own clock stands; that of Node, which ends other requests after 0.6 s, goes on.
    await using gateway = await startGateway({ ...settingsOf(upstream), ...short }, createTestClock());
    await using wire = await openWire(gateway.url);
    await using other = await openWire(gateway.url);
    wire.write(headOf(null, 'Connection: close\r\n'), chunkOf(BEGINNING));
    other.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    let isOver = false;
    void other.closed.then(() => {
      isOver = true;
    });
    while (!isOver) {
      wire.write(chunkOf(LINES));
      await exchange(gateway.url, HEALTH);
    }
    wire.write(chunkOf(CLOSING), '0\r\n\r\n');
    expect(
      answersIn(await wire.closed).map(({ status, body }) => [status, JSON.parse(body).data.uploadFile.__typename]),
    ).toEqual([[200, 'UploadFileSuccess']]);
  });

  it('is taken no faster than the upstream takes it', async () => {
    await using upstream = await startUpstream();
    const requests: IncomingMessage[] = [];
    upstream.on('/files', (request: IncomingMessage, response: Parameters<typeof answer>[0]) => {
      requests.push(request);
      request.on('end', () => answer(response, 200, fileBody('file-1')));
    });
    await using gateway = await startGateway(settingsOf(upstream), createTestClock());
    await using wire = await openWire(gateway.url);
    wire.write(
      headOf(null, 'Connection: close\r\n'),
      chunkOf(openForm(...partsOf({ purpose: 'ASSISTANTS' }), filePart(''))),
    );
    const chunk = chunkOf(Buffer.alloc(MIB, 'x'));
    let written = 0;
    let isWriting = true;
    const writing = (async () => {
      for (; written < 200; written++) {
        await wire.drained();
        wire.write(chunk);
      }
      isWriting = false;
    })();
    await until(() => requests.length === 1);
    let before = -1;
    // The buffers of the sockets fill up; then nothing more is taken.
    for (let still = 0; still < 300; still = written === before ? still + 1 : 0) {
      before = written;
      await setImmediate();
    }
    expect([isWriting, written < 60]).toEqual([true, true]);
    requests[0]?.resume();
    await writing;
    wire.write(chunkOf(CLOSING), '0\r\n\r\n');
    expect((await wire.closed).includes('UploadFileSuccess')).toBe(true);
  });
});

describe('a file that nobody reads in the end', () => {
  it('is taken off the connection all the same, however long it has waited', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway(settingsOf(upstream), createTestClock());
    const gate = upstream.hold();
    const query = `mutation ($input: UploadFileInput!) {
      deleteFile(input: { fileId: "file-1" }) { __typename }
      uploadFile(input: $input) { __typename }
    }`;
    const form = formOf(...partsOf({ expiresAfterSeconds: 1 }, query), filePart(Buffer.alloc(20 * MIB, 'x')));
    await using wire = await openWire(gateway.url);
    wire.write(headOf(form.length), form, HEALTH);
    await gate.arrived(1);
    await exchange(gateway.url, HEALTH); // Meanwhile as much of it has come as is taken unread.
    gate.release();
    const answers = answersIn(await wire.closed);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toContain('InvalidInputError');
  });
});

describe('a form that turns out to be none behind its file', () => {
  it('is refused, and the upstream makes nothing of it, though it has all bytes of the file', async () => {
    await using upstream = await startUpstream();
    const forms = takeForms(upstream);
    await using gateway = await startGateway(settingsOf(upstream));
    await using wire = await openWire(gateway.url);
    wire.write(headOf(null, 'Connection: close\r\n'), chunkOf(BEGINNING));
    await until(() => forms.begun === 1);
    wire.write(chunkOf(CLOSING.slice(0, -4))); // As if another part were to come.
    await exchange(gateway.url, HEALTH);
    wire.write(chunkOf('\r\nContent-Disposition: form-data; name="more"\r\n\r\nx'), chunkOf(CLOSING), '0\r\n\r\n');
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([400]);
    await until(() => forms.cut === 1);
    expect(forms.whole).toBe(0);
  });
});

describe('many uploads at once', () => {
  it('are four of one caller at most; a further one is refused, until one has ended', async () => {
    await using upstream = await startUpstream();
    const forms = takeForms(upstream);
    await using gateway = await startGateway(settingsOf(upstream));
    const wires = await Promise.all(Array.from({ length: 4 }, () => openWire(gateway.url)));
    for (const wire of wires) wire.write(headOf(null, 'Connection: close\r\n'), chunkOf(BEGINNING));
    await until(() => forms.begun === 4);
    const refused = await upload(gateway.url, LINES);
    expect([refused.status, refused.body.errors]).toMatchObject([
      429,
      [{ message: 'Uploads: expected at most 4 of one caller at a time.', extensions: { code: 'RATE_LIMITED' } }],
    ]);
    wires[0]?.write(chunkOf(CLOSING), '0\r\n\r\n');
    expect(await wires[0]?.closed).toContain('UploadFileSuccess');
    expect((await upload(gateway.url, LINES)).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
    for (const wire of wires) await wire[Symbol.asyncDispose]();
    await until(() => forms.cut === 3);
    expect((await upload(gateway.url, LINES)).status).toBe(200);
  });
});

describe('a gateway that stops', () => {
  it('lets an upload come to its end', async () => {
    await using upstream = await startUpstream();
    const forms = takeForms(upstream);
    const gateway = await startGateway(settingsOf(upstream), createTestClock());
    await using wire = await openWire(gateway.url);
    wire.write(headOf(null), chunkOf(BEGINNING));
    await until(() => forms.begun === 1);
    const stopped = gateway[Symbol.asyncDispose]();
    wire.write(chunkOf(CLOSING), '0\r\n\r\n');
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([200]);
    await stopped;
    expect(forms).toEqual({ begun: 1, whole: 1, cut: 0 });
  });

  it('cuts one that takes ten seconds longer, and the upstream makes nothing of it', async () => {
    await using upstream = await startUpstream();
    const forms = takeForms(upstream);
    const clock = createTestClock();
    const gateway = await startGateway(settingsOf(upstream), clock);
    await using wire = await openWire(gateway.url);
    wire.write(headOf(null), chunkOf(BEGINNING));
    await until(() => forms.begun === 1);
    const stopped = gateway[Symbol.asyncDispose]();
    clock.advance(10_000);
    expect(await wire.closed).toBe('');
    await stopped;
    await until(() => forms.cut === 1);
    expect(forms.whole).toBe(0);
  });
});

describe('a client that sends its form by halves', () => {
  it('and then another request, has its two answers', async () => {
    await using upstream = await startUpstream();
    takeForms(upstream);
    await using gateway = await startGateway(settingsOf(upstream));
    const form = formOf(...partsOf(), filePart(LINES));
    await using wire = await openWire(gateway.url);
    wire.write(headOf(form.length));
    for (let at = 0; at < form.length; at += 1) {
      wire.write(form.subarray(at, at + 1));
      if (at % 100 === 0) await setImmediate();
    }
    wire.write(HEALTH);
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([200, 200]);
  });
});
