import { askGraph, toQuestion } from './ask.ts';
import type { MeasuredProcess } from './process.ts';
import { startGateway } from './rows.ts';
import type { Stub } from './stub.ts';

/** Something that is asked of a gateway that knows nothing yet. */
export interface ColdCase {
  readonly what: string;
  readonly question: string;
  /** How many ask it at once; one when left out. */
  readonly askers?: number;
}

/** How many upstream calls it took. */
export interface ColdCount {
  readonly what: string;
  /** Of a gateway that keeps nothing. */
  readonly fresh: number;
  /** Of one with the default settings that has just started. */
  readonly hot: number;
}

/** Long enough for every asker to have asked before the first answer comes. */
const LATENCY_MS = 500;

/** What the fewest upstream calls are promised for, beside the workloads. */
export function promisedCases(jobId: string): ColdCase[] {
  const manyFiles = '{ fineTuningJobs(first: 20) { edges { node { id trainingFile { id filename } } } } }';
  const rich = `query($id: ID!) { fineTuningJob(id: $id) {
    events { edges { node { message } } } checkpoints { edges { node { stepNumber } } }
    trainingFile { id } validationFile { id } resultFiles { id }
  } }`;
  const manyModels =
    '{ fineTuningJobs(first: 50) { edges { node { model { ownedBy } fineTunedModel { ownedBy } } } } }';
  return [
    { what: '20 jobs, each with its training file', question: toQuestion(manyFiles, {}) },
    { what: 'the same, from 100 at once', question: toQuestion(manyFiles, {}), askers: 100 },
    { what: 'one job with events, checkpoints and all its files', question: toQuestion(rich, { id: jobId }) },
    { what: '50 jobs, each with its model and the one it made', question: toQuestion(manyModels, {}) },
  ];
}

/** Counts the upstream calls of a case; `fresh` is a gateway that keeps nothing. Rejects when an answer has errors. */
export async function countCold(coldCase: ColdCase, stub: Stub, fresh: MeasuredProcess): Promise<ColdCount> {
  await using hot = await startGateway('gateway, just started', stub.baseUrl);
  return {
    what: coldCase.what,
    fresh: await callsOf(coldCase, stub, fresh),
    hot: await callsOf(coldCase, stub, hot),
  };
}

async function callsOf({ what, question, askers = 1 }: ColdCase, stub: Stub, gateway: MeasuredProcess) {
  const before = await stub.calls();
  await stub.setLatency(askers > 1 ? LATENCY_MS : 0);
  const answers = await Promise.all(Array.from({ length: askers }, () => askGraph(gateway.url, question)));
  await stub.setLatency(0);
  const wrong = answers.find((answer) => !answer.startsWith('{"data":') || answer.includes('"errors":['));
  if (wrong !== undefined) throw new Error(`${gateway.name} fails at ${what}: ${wrong.slice(0, 1_000)}`);
  return (await stub.calls()) - before;
}
