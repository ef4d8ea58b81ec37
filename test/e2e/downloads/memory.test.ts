import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { startGateway } from '../../bench/rows.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { openDownload } from '../../kit/client/download.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

const MIB = 1024 * 1024;
/** A quarter of the largest file of OpenAI, to take a second only. */
const CONTENT_MIB = 128;
const MAX_GROWTH_MIB = 64;

/** Yields lines in base64 or as they are. */
function* contentOf(mib: number, encoding: 'base64' | 'latin1'): Generator<Buffer> {
  const lines = Buffer.from(Buffer.from('12345,0.123456789,0.98765\n'.repeat(8192)).toString(encoding));
  const chunk = lines.subarray(0, 196_608); // Whole groups of four characters.
  for (let sent = 0; sent < mib * MIB; sent += chunk.length) yield chunk;
}

test.each([
  ['fine-tune', 'latin1'],
  ['fine-tune-results', 'base64'],
] as const)(`${CONTENT_MIB} MiB of a file for %s take little memory of the gateway`, async (purpose, encoding) => {
  await using upstream = await startUpstream();
  for (const [id, mib] of [
    ['file-small', 1],
    ['file-large', CONTENT_MIB],
  ] as const) {
    upstream.onFile(fileBody(id, { purpose }));
    upstream.on(`/files/${id}/content`, (_: IncomingMessage, response: ServerResponse) =>
      Readable.from(contentOf(mib, encoding)).pipe(response.writeHead(200)),
    );
  }
  await using gateway = await startGateway('gateway', upstream.baseUrl);
  const read = async (id: string) => {
    let bytes = 0;
    for await (const chunk of await openDownload(gateway.url, `/files/${id}/content`)) bytes += chunk.length;
    return bytes;
  };
  await read('file-small'); // Warms up the code.
  const rest = (await gateway.memory()).resident / MIB;
  expect(await read('file-large')).toBeGreaterThan(0.7 * CONTENT_MIB * MIB);
  const growth = (await gateway.memory()).maxResident / MIB - rest;
  expect(growth).toBeLessThan(MAX_GROWTH_MIB);
});
