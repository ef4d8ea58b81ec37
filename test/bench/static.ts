import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The ceiling: the same bytes as the gateway's from a map by the bytes of the question. Nothing in Node's own HTTP server
// can answer faster that has to read the question at all.
const answers = new Map<string, Buffer>();

process.on('message', (message: { answers?: [question: string, answer: string][] }) => {
  if (!message.answers) return; // For the meter.
  for (const [question, answer] of message.answers) answers.set(question, Buffer.from(answer));
  process.send?.('learnt');
});

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const answer = answers.get(Buffer.concat(chunks).toString('latin1'));
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': answer?.length ?? 0 };
    response.writeHead(answer ? 200 : 404, headers).end(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // A server that listens on TCP has such an address.
  process.stderr.write(`http://127.0.0.1:${port}/graphql\n`);
});
