import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { countConnections } from '../../kit/attack/connection-count.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { exchange, openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import {
  chunkOf,
  FORM_END,
  filePart,
  formOf,
  headOf,
  partsOf,
  trainingLines,
  unclosedForm,
  upload,
} from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { until, untilAsync } from '../../kit/until.ts';

const LINES = trainingLines(12);
const PARTIAL_FORM = unclosedForm(...partsOf(), filePart(LINES));
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const MIB = 1024 * 1024;

const settingsOf = ({ baseUrl }: ScriptedUpstream) => ({ OPENAI_BASE_URL: baseUrl, ALLOW_MUTATIONS: 'on' });

/** Receives forms and counts those that have started, are complete, and were aborted. */
function receiveForms(upstream: ScriptedUpstream) {
  const forms = { started: 0, complete: 0, aborted: 0 };
  upstream.on('/files', (request: IncomingMessage, response: Parameters<typeof writeResponse>[0]) => {
    request.once('data', () => forms.started++);
    request.resume().on('close', () => request.complete || forms.aborted++);
    request.on('end', () => {
      forms.complete++;
      writeResponse(response, 200, fileBody('file-1'));
    });
  });
  return forms;
}

describe('an upload that stalls', () => {
  it('gets 408 after BODY_TIMEOUT_MS without bytes, and its upstream request is aborted', async () => {
    await using upstream = await startUpstream();
    const forms = receiveForms(upstream);
    const clock = createTestClock();
    await using gateway = await startGateway({ ...settingsOf(upstream), BODY_TIMEOUT_MS: '20000' }, clock);
    const openConnections = await countConnections(gateway.url);
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(1_000_000), PARTIAL_FORM);
    await until(() => forms.started === 1);
    for (let count = 0; count < 3; count++) {
      clock.advance(19_999);
      connection.write(LINES);
      await until(() => clock.untilNext === 20_000);
    }
    clock.advance(20_000);
    const [response] = parseResponses(await connection.closed);
    expect([response?.status, response?.body]).toEqual([
      408,
      expect.stringContaining('Body: did not arrive within 20000 ms (BODY_TIMEOUT_MS); send it without pauses.'),
    ]);
    await until(() => forms.aborted === 1);
    await openConnections.droppedTo(0);
    expect(forms.complete).toBe(0);
    expect(gateway.log.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  });

  it('before its file gets 408 like any slow body', async () => {
    await using upstream = await startUpstream();
    const short = { HEADERS_TIMEOUT_MS: '500', BODY_TIMEOUT_MS: '500' };
    await using gateway = await startGateway({ ...settingsOf(upstream), ...short });
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(1_000_000), unclosedForm(partsOf()[0]));
    let isOpen = true;
    void connection.closed.then(() => {
      isOpen = false;
    });
    while (isOpen) {
      connection.write(' ');
      await exchange(gateway.url, HEALTH);
    }
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([408]);
    expect(upstream.calls).toEqual([]);
  });
});

describe('an upload without pauses', () => {
  it('has no total timeout', async () => {
    await using upstream = await startUpstream();
    const forms = receiveForms(upstream);
    const clock = createTestClock();
    await using gateway = await startGateway({ ...settingsOf(upstream), BODY_TIMEOUT_MS: '20000' }, clock);
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(null, 'Connection: close\r\n'), chunkOf(PARTIAL_FORM));
    await until(() => forms.started === 1);
    for (let count = 0; count < 3; count++) {
      clock.advance(15_000);
      connection.write(chunkOf(LINES));
      await until(() => clock.untilNext === 20_000);
    }
    connection.write(chunkOf(FORM_END), '0\r\n\r\n');
    expect(
      parseResponses(await connection.closed).map(({ status, body }) => [
        status,
        JSON.parse(body).data.uploadFile.__typename,
      ]),
    ).toEqual([[200, 'UploadFileSuccess']]);
  });

  it('is read no faster than the upstream reads it', async () => {
    await using upstream = await startUpstream();
    const requests: IncomingMessage[] = [];
    upstream.on('/files', (request: IncomingMessage, response: Parameters<typeof writeResponse>[0]) => {
      requests.push(request);
      request.on('end', () => writeResponse(response, 200, fileBody('file-1')));
    });
    await using gateway = await startGateway(settingsOf(upstream), createTestClock());
    await using connection = await openRawConnection(gateway.url);
    connection.write(
      headOf(null, 'Connection: close\r\n'),
      chunkOf(unclosedForm(...partsOf({ purpose: 'ASSISTANTS' }), filePart(''))),
    );
    const chunk = chunkOf(Buffer.alloc(MIB, 'x'));
    let written = 0;
    let isWriting = true;
    const writing = (async () => {
      for (; written < 200; written++) {
        await connection.drained();
        connection.write(chunk);
      }
      isWriting = false;
    })();
    await until(() => requests.length === 1);
    let before = -1;
    // The buffers of the sockets fill up; then the gateway reads no more.
    for (let unchanged = 0; unchanged < 300; unchanged = written === before ? unchanged + 1 : 0) {
      before = written;
      await setImmediate();
    }
    expect([isWriting, written < 60]).toEqual([true, true]);
    requests[0]?.resume();
    await writing;
    connection.write(chunkOf(FORM_END), '0\r\n\r\n');
    expect((await connection.closed).includes('UploadFileSuccess')).toBe(true);
  });
});

describe('a file that the mutation does not read', () => {
  it('is discarded, so that the connection can be used again', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway(settingsOf(upstream), createTestClock());
    const gate = upstream.hold();
    const query = `mutation ($input: UploadFileInput!) {
      deleteFile(input: { fileId: "file-1" }) { __typename }
      uploadFile(input: $input) { __typename }
    }`;
    const form = formOf(...partsOf({ expiresAfterSeconds: 1 }, query), filePart(Buffer.alloc(20 * MIB, 'x')));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(form.length), form, HEALTH);
    await gate.arrived(1);
    await exchange(gateway.url, HEALTH); // Meanwhile the gateway has received as much of it as it buffers.
    gate.release();
    const responses = parseResponses(await connection.closed);
    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
    expect(responses[0]?.body).toContain('InvalidInputError');
  });
});

describe('a form that is invalid after its file', () => {
  it('is rejected, and the upstream creates no file, though it has received all bytes', async () => {
    await using upstream = await startUpstream();
    const forms = receiveForms(upstream);
    await using gateway = await startGateway(settingsOf(upstream));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(null, 'Connection: close\r\n'), chunkOf(PARTIAL_FORM));
    await until(() => forms.started === 1);
    connection.write(chunkOf(FORM_END.slice(0, -4))); // As before another part.
    await exchange(gateway.url, HEALTH);
    connection.write(
      chunkOf('\r\nContent-Disposition: form-data; name="more"\r\n\r\nx'),
      chunkOf(FORM_END),
      '0\r\n\r\n',
    );
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([400]);
    await until(() => forms.aborted === 1);
    expect(forms.complete).toBe(0);
  });
});

describe('concurrent uploads', () => {
  it('are at most four per caller; a further one is rejected until one has ended', async () => {
    await using upstream = await startUpstream();
    const forms = receiveForms(upstream);
    await using gateway = await startGateway(settingsOf(upstream));
    const connections = await Promise.all(Array.from({ length: 4 }, () => openRawConnection(gateway.url)));
    for (const connection of connections)
      connection.write(headOf(null, 'Connection: close\r\n'), chunkOf(PARTIAL_FORM));
    await until(() => forms.started === 4);
    const rejected = await upload(gateway.url, LINES);
    expect([rejected.status, rejected.body.errors]).toMatchObject([
      429,
      [
        {
          message: 'Uploads: the limit of 4 per caller is reached (UPSTREAM_CONNECTIONS); retry when one has ended.',
          extensions: { code: 'RATE_LIMITED' },
        },
      ],
    ]);
    connections[0]?.write(chunkOf(FORM_END), '0\r\n\r\n');
    expect(await connections[0]?.closed).toContain('UploadFileSuccess');
    expect((await upload(gateway.url, LINES)).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
    for (const connection of connections) await connection[Symbol.asyncDispose]();
    await until(() => forms.aborted === 3);
    expect((await upload(gateway.url, LINES)).status).toBe(200);
  });
});

describe('a gateway that shuts down', () => {
  it('waits for an upload', async () => {
    await using upstream = await startUpstream();
    const forms = receiveForms(upstream);
    const gateway = await startGateway(settingsOf(upstream), createTestClock());
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(null), chunkOf(PARTIAL_FORM));
    await until(() => forms.started === 1);
    const stopped = gateway[Symbol.asyncDispose]();
    connection.write(chunkOf(FORM_END), '0\r\n\r\n');
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([200]);
    await stopped;
    expect(forms).toEqual({ started: 1, complete: 1, aborted: 0 });
  });

  it('waits for SHUTDOWN_TIMEOUT_MS, then aborts an upload with a log line, and the upstream creates no file', async () => {
    await using upstream = await startUpstream();
    const forms = receiveForms(upstream);
    const clock = createTestClock();
    const timeouts = { SHUTDOWN_TIMEOUT_MS: '120000', BODY_TIMEOUT_MS: '600000', UPSTREAM_TIMEOUT_MS: '600000' };
    const gateway = await startGateway({ ...settingsOf(upstream), ...timeouts }, clock);
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(null), chunkOf(PARTIAL_FORM));
    await until(() => forms.started === 1);
    const stopped = gateway[Symbol.asyncDispose]();
    await untilAsync(() => isRefused(gateway.url)); // Then the timeout begins.
    clock.advance(119_999);
    await setImmediate();
    expect(forms.aborted).toBe(0);
    clock.advance(1);
    expect(await connection.closed).toBe('');
    await stopped;
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ level: 40, timeoutMs: 120_000, msg: expect.stringMatching(/^SHUTDOWN_TIMEOUT_MS/) }),
    );
    await until(() => forms.aborted === 1);
    expect(forms.complete).toBe(0);
  });
});

/** Whether the server listens no more. */
async function isRefused(url: string): Promise<boolean> {
  try {
    await using _connection = await openRawConnection(url);
    return false;
  } catch {
    return true;
  }
}

describe('a client that sends its form byte by byte', () => {
  it('and then another request gets both responses', async () => {
    await using upstream = await startUpstream();
    receiveForms(upstream);
    await using gateway = await startGateway(settingsOf(upstream));
    const form = formOf(...partsOf(), filePart(LINES));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(form.length));
    for (let at = 0; at < form.length; at += 1) {
      connection.write(form.subarray(at, at + 1));
      if (at % 100 === 0) await setImmediate();
    }
    connection.write(HEALTH);
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([200, 200]);
  });
});
