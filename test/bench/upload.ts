import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { FORM_END, filePart, headersOf, partsOf, UPLOAD, unclosedForm } from '../kit/client/upload.ts';
import type { MeasuredProcess } from './process.ts';
import { runProgram, wholeNumber } from './program.ts';
import { startGateway } from './rows.ts';
import { startUpstream } from './stub.ts';

const help = `Measures the memory, the CPU time and the duration of uploads through a gateway. Client, gateway and sandbox are a
process each.

Usage: npm run bench:upload -- [--mb 512] [--at-once 1,2] [--tokens]

  --mb       size of each file in MiB; it is training data, which the gateway validates
  --at-once  numbers of concurrent uploads; each is a row, with a gateway of its own
  --tokens   selects the estimate of the tokens too
`;

const MIB = 1024 * 1024;
/** Maximum growth of the process over its size at rest. */
const MAX_GROWTH_MIB = 96;
/** Growth by the thread that counts tokens. It is the same for any number of uploads. */
const THREAD_MIB = 96;
const EXAMPLE_BYTES = 1024;
const EXAMPLES_PER_CHUNK = 64;

interface UploadResult {
  readonly atOnce: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** In MiB. */
  readonly rest: number;
  readonly peak: number;
}

/** A unique training example of EXAMPLE_BYTES. */
function example(number: number): string {
  const [before, after] = [
    `{"messages":[{"role":"user","content":"${number} `,
    '"},{"role":"assistant","content":"Yes."}]}\n',
  ];
  return before.padEnd(EXAMPLE_BYTES - after.length, 'Is this an example? ') + after;
}

function* examples(bytes: number): Generator<string> {
  const count = bytes / EXAMPLE_BYTES;
  for (let from = 0; from < count; from += EXAMPLES_PER_CHUNK) {
    const length = Math.min(EXAMPLES_PER_CHUNK, count - from);
    yield Array.from({ length }, (_, index) => example(from + index)).join('');
  }
}

/** Uploads a file of this size. Rejects unless the gateway has sent it upstream and validated all of it. */
async function upload(url: string, bytes: number, hasTokens: boolean): Promise<void> {
  const query = hasTokens ? UPLOAD.replace('issueCount', 'issueCount estimatedTokens { tokens }') : UPLOAD;
  const beginning = unclosedForm(...partsOf({}, query), filePart(''));
  const length = beginning.length + bytes + FORM_END.length;
  const sending = request(url, { method: 'POST', headers: { ...headersOf(), 'content-length': length } });
  const received = new Promise<unknown>((resolve, reject) => {
    sending.on('error', reject).on('response', (response) => json(response).then(resolve, reject));
  });
  await pipeline(async function* () {
    yield beginning;
    yield* examples(bytes);
    yield FORM_END;
  }, sending);
  const result = await received;
  const { file, report } = Object(result).data?.uploadFile ?? {};
  if (file?.bytes === bytes && report?.exampleCount === bytes / EXAMPLE_BYTES && report.issueCount === 0) {
    if (!hasTokens || report.estimatedTokens.tokens > 0) return;
  }
  throw new Error(`The gateway returned an unexpected result: ${JSON.stringify(result)}`);
}

const residentOf = async (gateway: MeasuredProcess) => (await gateway.memory()).resident / MIB;

async function measure(atOnce: number, bytes: number, hasTokens: boolean): Promise<UploadResult> {
  await using upstream = await startUpstream('sandbox', './upload-upstream.ts');
  await using gateway = await startGateway('gateway', upstream.baseUrl, { ALLOW_MUTATIONS: 'on' });
  await upload(gateway.url, EXAMPLE_BYTES * EXAMPLES_PER_CHUNK, false); // Warms up the code.
  const rest = await residentOf(gateway);
  const [startedAt, cpuBefore] = [performance.now(), await gateway.cpuSeconds()];
  await Promise.all(Array.from({ length: atOnce }, () => upload(gateway.url, bytes, hasTokens)));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuSeconds = (await gateway.cpuSeconds()) - cpuBefore;
  return { atOnce, seconds, cpuSeconds, rest, peak: (await gateway.memory()).maxResident / MIB };
}

function toMarkdown(results: readonly UploadResult[], mib: number, maxGrowth: number): string {
  const header = `| uploads of ${mib} MiB at once | seconds | MiB/s | gateway CPU s | at rest | peak | growth | verdict |
|---:|---:|---:|---:|---:|---:|---:|---|`;
  const lines = results.map(({ atOnce, seconds, cpuSeconds, rest, peak }) => {
    const cells = [seconds.toFixed(2), ((atOnce * mib) / seconds).toFixed(0), cpuSeconds.toFixed(2)];
    const sizes = [rest, peak, peak - rest].map((size) => size.toFixed(1));
    return `| ${[atOnce, ...cells, ...sizes, verdictOf(rest, peak, maxGrowth)].join(' | ')} |`;
  });
  const legend = `Resident memory of the gateway in MiB. Within: it grew by less than ${maxGrowth} MiB.`;
  return `${[header, ...lines].join('\n')}\n\n${legend}\n`;
}

const verdictOf = (rest: number, peak: number, maxGrowth: number) => (peak - rest < maxGrowth ? 'within' : 'over');

/** Null for --help. Throws when an option is invalid. */
function readArguments(): { mib: number; atOnce: number[]; hasTokens: boolean } | null {
  const { values } = parseArgs({
    options: {
      mb: { type: 'string', default: '512' },
      'at-once': { type: 'string', default: '1,2' },
      tokens: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  return {
    mib: wholeNumber('mb', values.mb, 512),
    atOnce: values['at-once'].split(',').map((text) => wholeNumber('at-once', text, 4)),
    hasTokens: values.tokens,
  };
}

async function main(): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const results: UploadResult[] = [];
  for (const atOnce of options.atOnce) results.push(await measure(atOnce, options.mib * MIB, options.hasTokens));
  const maxGrowth = MAX_GROWTH_MIB + (options.hasTokens ? THREAD_MIB : 0);
  process.stdout.write(toMarkdown(results, options.mib, maxGrowth));
  if (results.some(({ rest, peak }) => verdictOf(rest, peak, maxGrowth) === 'over')) process.exitCode = 1;
}

await runProgram(main);
