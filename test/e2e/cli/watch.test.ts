import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../src/clock.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { createGatewayClient } from '../../../src/terminal/gateway-client.ts';
import { showTerminal } from '../../../src/terminal/terminal.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startScript, type TestProcess } from '../../kit/process/process.ts';
import { createTerminal } from '../../kit/process/terminal.ts';
import { askAs, tokenLine } from '../../kit/process/token.ts';

const SCRIPT = 'src/terminal/run.ts';
const [HIDDEN, SHOWN] = ['\u001b[?25l', '\u001b[?25h']; // The cursor.
const GATEWAY_URL = /listens on (http:\S+\/graphql)/;

interface ListedJob {
  id: string;
  /** Seconds since the epoch. */
  createdAt: number;
  progress: { totalSteps: number; step: number } | null;
}

/** The newest jobs with a status. */
async function jobsOf(url: string, status: string): Promise<ListedJob[]> {
  const text = `{ fineTuningJobs(first: 5, filter: { statuses: [${status}] }) {
    edges { node { id createdAt progress { step totalSteps } } }
  } }`;
  const { data } = await askAs(url, null, text);
  const jobs = data?.['fineTuningJobs'] as { edges: { node: ListedJob }[] }; // By the query.
  return jobs.edges.map(({ node }) => node);
}

async function firstOf(url: string, status: string): Promise<ListedJob> {
  const [job] = await jobsOf(url, status);
  if (!job) throw new Error(`expected a job that is ${status}`);
  return job;
}

const watch = (url: string, args: string[] = [], settings: Record<string, string> = {}) =>
  startScript(SCRIPT, args, { GATEWAY_URL: url, ...settings });

async function outcomeOf(url: string, args: string[] = [], settings: Record<string, string> = {}) {
  await using client = watch(url, args, settings);
  return { code: await client.ended, text: client.output.text };
}

describe('npm run watch', () => {
  let gateway: TestProcess;
  let url = '';

  beforeAll(async () => {
    gateway = startScript('src/main.ts', [], { PORT: '0', SANDBOX_SPEED: '100', POLL_INTERVAL_MS: '100' });
    url = (await gateway.waitForOutput(GATEWAY_URL))[1] ?? '';
  }, 30_000);
  afterAll(async () => await gateway[Symbol.asyncDispose]());

  it('is a script of the package', () => {
    expect(packageJson.scripts.watch).toBe(`exec node --require ./src/require-node.cjs ${SCRIPT}`);
  });

  it('prints how a job ended, and exits with 0 if it succeeded, else with 1', async () => {
    const outcome = async (status: string) => {
      const { id } = await firstOf(url, status);
      const { code, text } = await outcomeOf(url, [id]);
      expect(text).toContain(id);
      expect(stripVTControlCharacters(text)).toBe(text);
      return [code, text];
    };
    expect(await Promise.all(['SUCCEEDED', 'FAILED', 'CANCELLED'].map(outcome))).toEqual([
      [0, expect.stringMatching(/ succeeded: ft:\S+\n$/)],
      [1, expect.stringMatching(/ failed: \S.*\n$/)],
      [1, expect.stringMatching(/ ended: cancelled\n$/)],
    ]);
  });

  it('prints one line per change of all active jobs to a plain stream, until Ctrl-C', async () => {
    await using client = watch(url);
    await client.waitForOutput(/Z {2}validating {2}.*ftjob-\w+\n/);
    await client.waitForOutput(/Z {2}running {2}\d+ % {2}step \d+ of \d+ {2}(?:loss|reward) [\d.]+ .*ftjob-\w+\n/);
    await client.waitForOutput(/(ftjob-\w+)\n(?:.*\n)*?.*\1\n(?:.*\n)*?.*\1\n/); // Any job.
    client.signal('SIGINT');
    expect(await client.ended).toBe(0);
    expect(client.output.text).toMatch(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}\S.*\n)+$/);
  });

  it('redraws a table in a terminal, and restores the terminal', async () => {
    const terminal = createTerminal({ columns: 80, rows: 12 });
    const stopping = new AbortController();
    const options = { url, token: undefined, jobId: undefined, clock: systemClock, isColored: true };
    const client = showTerminal({ ...options, output: terminal.output, signal: stopping.signal });
    await terminal.written(/running .*█.* \d+ % .*[▁-█]{8}.*\d/);
    await terminal.written(/… and \d+ more/);
    stopping.abort();
    expect(await client.ended).toBeNull();
    const text = terminal.text();
    expect(text.split(HIDDEN)).toEqual(['', expect.stringContaining('running')]);
    expect(text.split(SHOWN)).toEqual([expect.stringContaining('running'), '']);
    client.refresh();
    expect(terminal.text()).toBe(text);
  });

  it('exits by itself in a terminal too, with a last line that stays', async () => {
    const { id } = await firstOf(url, 'SUCCEEDED');
    const terminal = createTerminal({ columns: 40, rows: 12 });
    const options = { url, token: undefined, jobId: id, clock: systemClock, isColored: false };
    const client = showTerminal({ ...options, output: terminal.output, signal: new AbortController().signal });
    expect(await client.ended).toBe(true);
    expect(stripVTControlCharacters(terminal.text())).toMatch(/succeeded .*\n.* succeeded: ft:\S+\n$/);
  });

  it('exits with 130 on Ctrl-C before the job has ended', async () => {
    const { id } = await firstOf(url, 'PAUSED');
    await using client = watch(url, [id]);
    await client.waitForOutput(/paused/);
    client.signal('SIGINT');
    expect(await client.ended).toBe(130);
  });

  it('prints one sentence about what to change, and exits with 2', async () => {
    const [absent, wrong, unknown] = await Promise.all([
      outcomeOf('http://127.0.0.1:9/graphql'),
      outcomeOf(url.replace('graphql', 'health')),
      outcomeOf(url, ['ftjob-none']),
    ]);
    expect(absent).toEqual({
      code: 2,
      text: 'No gateway responds at http://127.0.0.1:9/graphql (ECONNREFUSED); start one with npm start, or set its URL with --url.\n',
    });
    expect(wrong).toMatchObject({
      code: 2,
      text: expect.stringMatching(/^No gateway responds at \S+\/health \(.*\n$/),
    });
    expect(unknown).toEqual({ code: 2, text: `The gateway at ${url} has no job ftjob-none; check its id.\n` });
  });

  it('prints help', async () => {
    const { code, text } = await outcomeOf(url, ['--help']);
    expect([code, text]).toEqual([0, expect.stringMatching(/^Shows [\s\S]*--token-file FILE[\s\S]*Exit codes:/)]);
  });
});

describe('npm run watch with a gateway that requires tokens', () => {
  it('authenticates with a token, reports a rejected one, and never shows it', async () => {
    const token = `test-${crypto.randomUUID()}`;
    const folder = makeFolder({ tokens: tokenLine('ann', 'viewer', token), token });
    const settings = { PORT: '0', AUTH: 'tokens', AUTH_TOKENS_FILE: join(folder, 'tokens') };
    await using gateway = startScript('src/main.ts', [], settings);
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    const outcomeWith = async (token: string | undefined) => {
      const { output, text } = createTerminal();
      const options = { url, token, jobId: 'ftjob-none', output, clock: systemClock, isColored: false };
      await showTerminal({ ...options, signal: new AbortController().signal }).ended.catch((error) =>
        output.write(String(error.message)),
      );
      return text();
    };
    expect(await outcomeWith(token)).toBe(`The gateway at ${url} has no job ftjob-none; check its id.`);
    expect(await outcomeWith(undefined)).toBe(
      `The gateway at ${url} requires a token; set GATEWAY_TOKEN, or use --token-file.`,
    );
    expect(await outcomeWith(`${token}x`)).toBe(`The gateway at ${url} rejected the token; use one of its token file.`);
    const byFile = await outcomeOf(url, ['ftjob-none', '--token-file', join(folder, 'token')]);
    expect(byFile).toEqual({ code: 2, text: `The gateway at ${url} has no job ftjob-none; check its id.\n` });
  });
});

describe('a followed job', () => {
  it('is shown while it runs, then with its end', async () => {
    const clock = createTestClock(systemClock.now());
    const sandbox = await createSandbox({ clock, speed: 10, seed: 1 });
    onTestFinished(sandbox.dispose);
    await using gateway = await startGateway({ OPENAI_BASE_URL: sandbox.baseUrl.href, POLL_INTERVAL_MS: '100' });
    const { url } = gateway;
    const { id } = await runningJob(url, 1);
    const { output, text, written } = createTerminal();
    const signal = new AbortController().signal;
    const options = { url, token: undefined, jobId: id, clock: systemClock, signal, isColored: false };
    const client = showTerminal({ ...options, output });
    await written(/Z {2}running {2}\d+ %/);
    clock.advance(3_600_000);
    const hasSucceeded = await client.ended;
    const { data } = await askAs(url, null, `{ fineTuningJob(id: "${id}") { status } }`);
    expect(data).toEqual({ fineTuningJob: { status: hasSucceeded ? 'SUCCEEDED' : 'CANCELLED' } });
    expect(text()).toMatch(
      /^(?:.*Z {2}running {2}.*\n)+(?:.*Z {2}succeeded {2}100 % .*\n.* succeeded: ft:.*|.* ended: cancelled)\n$/s,
    );
  });
});

describe('a restarted gateway', () => {
  it('is reconnected to, and the steps continue without gaps', async () => {
    const sandbox = await createSandbox({ clock: systemClock, speed: 40, seed: 1 });
    onTestFinished(sandbox.dispose);
    const settings = { OPENAI_BASE_URL: sandbox.baseUrl.href, OPENAI_API_KEY: 'any-text', POLL_INTERVAL_MS: '100' };
    await using first = startScript('src/main.ts', [], { PORT: '0', ...settings });
    const [, url = ''] = await first.waitForOutput(GATEWAY_URL);
    const job = await runningJob(url, 10);
    const terminal = createTerminal();
    const stopping = new AbortController();
    const options = { url, token: undefined, clock: systemClock, signal: stopping.signal };
    const shown = showTerminal({ ...options, jobId: undefined, output: terminal.output, isColored: false });
    await terminal.written(/running {2}\d+ %/);

    const steps: number[] = [];
    const last = () => steps.at(-1) ?? 0;
    const client = createGatewayClient({ ...options, onConnection: () => {} });
    let second: TestGateway | undefined;
    let stepsBeforeRestart = Number.POSITIVE_INFINITY;
    for await (const point of client.steps(job.id, last, stopping.signal)) {
      steps.push(point.step);
      if (!second && steps.length > (job.progress?.step ?? 0)) {
        stepsBeforeRestart = steps.length;
        first.signal('SIGKILL');
        await first.ended;
        await terminal.written(/Connection to the gateway lost; reconnecting\.\n/);
        second = await startGateway({ ...settings, PORT: new URL(url).port });
      }
      if (steps.length >= stepsBeforeRestart + 3) break;
    }
    await using gateway = second;
    expect(steps).toEqual(steps.map((_, index) => index + 1));
    expect(steps.length).toBeGreaterThanOrEqual(stepsBeforeRestart + 3);
    await terminal.written(/Connection to the gateway restored\.\n.*Z {2}[a-z]+ {2}/);
    stopping.abort();
    expect(await shown.ended).toBeNull();
    expect(gateway?.url).toBe(url);
  });
});

/** The newest running job with this many steps left, as soon as there is one. The old jobs of the sandbox never end. */
async function runningJob(url: string, minStepsLeft: number): Promise<ListedJob> {
  const oldest = systemClock.now() / 1000 - 3600;
  const stepsLeft = ({ progress }: ListedJob) => (progress ? progress.totalSteps - progress.step : 0);
  for (;;) {
    const jobs = await jobsOf(url, 'RUNNING');
    const job = jobs.find((job) => job.createdAt > oldest && stepsLeft(job) >= minStepsLeft);
    if (job) return job;
  }
}
