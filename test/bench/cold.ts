import { postGraphql, toRequestBody } from './http-client.ts';
import type { MeasuredProcess } from './process.ts';
import { startGateway } from './rows.ts';
import type { Stub } from './stub.ts';

/** A query for a gateway with an empty cache. */
export interface ColdCase {
  readonly name: string;
  readonly body: string;
  /** Number of clients that send it at once; 1 by default. */
  readonly clients?: number;
}

/** Number of upstream calls of a query. */
export interface ColdCount {
  readonly name: string;
  /** Of a gateway without a cache. */
  readonly fresh: number;
  /** Of a gateway with default settings that has just started. */
  readonly hot: number;
}

/** Every client has sent its query before the first response. */
const LATENCY_MS = 500;

/** Queries besides the workloads whose number of upstream calls is promised. */
export function promisedCases(jobId: string): ColdCase[] {
  const manyFiles = '{ fineTuningJobs(first: 20) { edges { node { id trainingFile { id filename } } } } }';
  const rich = `query($id: ID!) { fineTuningJob(id: $id) {
    events { edges { node { message } } } checkpoints { edges { node { stepNumber } } }
    trainingFile { id } validationFile { id } resultFiles { id }
  } }`;
  const manyModels =
    '{ fineTuningJobs(first: 50) { edges { node { model { ownedBy } fineTunedModel { ownedBy } } } } }';
  return [
    { name: '20 jobs, each with its training file', body: toRequestBody(manyFiles, {}) },
    { name: 'the same, from 100 clients at once', body: toRequestBody(manyFiles, {}), clients: 100 },
    { name: 'one job with events, checkpoints and all its files', body: toRequestBody(rich, { id: jobId }) },
    { name: '50 jobs, each with its base model and its fine-tuned model', body: toRequestBody(manyModels, {}) },
  ];
}

/** Counts the upstream calls of a query; `fresh` is a gateway without a cache. Rejects when a response has errors. */
export async function countCold(coldCase: ColdCase, stub: Stub, fresh: MeasuredProcess): Promise<ColdCount> {
  await using hot = await startGateway('gateway, just started', stub.baseUrl);
  return {
    name: coldCase.name,
    fresh: await callsOf(coldCase, stub, fresh),
    hot: await callsOf(coldCase, stub, hot),
  };
}

async function callsOf({ name, body, clients = 1 }: ColdCase, stub: Stub, gateway: MeasuredProcess) {
  const before = await stub.calls();
  await stub.setLatency(clients > 1 ? LATENCY_MS : 0);
  const responses = await Promise.all(Array.from({ length: clients }, () => postGraphql(gateway.url, body)));
  await stub.setLatency(0);
  const wrong = responses.find((text) => !text.startsWith('{"data":') || text.includes('"errors":['));
  if (wrong !== undefined) throw new Error(`${gateway.name} failed at ${name}: ${wrong.slice(0, 1_000)}`);
  return (await stub.calls()) - before;
}
