import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileBody } from '../kit/bodies/file.ts';
import { jobBody } from '../kit/bodies/job.ts';
import { resourceAt } from './stub-resources.ts';
import { PREFIX } from './upstream.ts';

// A faulty upstream: 6 % of its responses are errors, incomplete, not JSON or missing, and some are slow. Its active jobs
// change their status each second. It accepts uploads and new jobs, and forgets them.

const CHANGE_MS = 1_000;
const ACTIVE = ['queued', 'running', 'paused', 'validating_files'];
const RESULTS = `step,train_loss,train_accuracy\n${Array.from({ length: 5_000 }, (_, step) => `${step + 1},${5 / (step + 1)},0.5`).join('\n')}\n`;

let created = 0;

const faults: readonly { share: number; respond: (response: ServerResponse) => void }[] = [
  {
    share: 0.03,
    respond: (response) => void response.writeHead(500).end('{"error":{"message":"The server failed."}}'),
  },
  { share: 0.005, respond: (response) => void response.writeHead(429, { 'retry-after': '1' }).end('{}') },
  { share: 0.01, respond: (response) => void response.socket?.destroy() },
  { share: 0.01, respond: (response) => void response.writeHead(200, { 'content-length': 100 }).end('{"id":') },
  { share: 0.01, respond: (response) => void response.writeHead(200).end('<html>Not JSON</html>') },
];

function respond(request: IncomingMessage, response: ServerResponse): void {
  let random = Math.random();
  for (const fault of faults) {
    random -= fault.share;
    if (random < 0) {
      fault.respond(response);
      return;
    }
  }
  const send = () => sendBody(response, bodyOf(request.method ?? '', (request.url ?? '').slice(PREFIX.length)));
  if (random < 0.03) setTimeout(send, 10_000 * random);
  else send();
}

function bodyOf(method: string, target: string): unknown {
  if (method === 'POST' && target === '/files') return fileBody(`file-new-${++created}`);
  if (method === 'POST') return jobBody({ id: `ftjob-new-${++created}`, status: 'queued' });
  if (target.endsWith('/content')) return RESULTS;
  return withChanges(resourceAt(target));
}

function withChanges(body: unknown): unknown {
  const { data, status } = Object(body);
  if (Array.isArray(data)) return { ...Object(body), data: data.map(withChanges) };
  const index = ACTIVE.indexOf(status);
  if (index < 0) return body;
  return { ...Object(body), status: ACTIVE[(index + Math.floor(Date.now() / CHANGE_MS)) % ACTIVE.length] };
}

function sendBody(response: ServerResponse, body: unknown): void {
  if (body === undefined) return void response.writeHead(404).end('{"error":{"message":"Not found."}}');
  response.writeHead(200).end(typeof body === 'string' ? body : JSON.stringify(body));
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.on('error', () => {}).on('end', () => respond(request, response));
  request.resume();
});
process.on('message', () => {}); // Keeps the channel to the bench open.
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // Of TCP.
  process.stderr.write(`http://127.0.0.1:${port}${PREFIX}\n`);
});
