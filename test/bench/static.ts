import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The upper bound: the gateway's responses from a map, by the body of the request. No server on node:http that reads the
// body can be faster.
const responses = new Map<string, Buffer>();

process.on('message', (message: { responses?: [body: string, response: string][] }) => {
  if (!message.responses) return; // For the meter.
  for (const [body, text] of message.responses) responses.set(body, Buffer.from(text));
  process.send?.('ready');
});

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = responses.get(Buffer.concat(chunks).toString('latin1'));
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body?.length ?? 0 };
    response.writeHead(body ? 200 : 404, headers).end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // Of TCP.
  process.stderr.write(`http://127.0.0.1:${port}/graphql\n`);
});
