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
const URL_SAID = /answers on (http:\S+\/graphql)/;

interface Listed {
  id: string;
  progress: { totalSteps: number; step: number } | null;
}

/** The newest jobs with this status. */
async function jobsOf(url: string, status: string): Promise<Listed[]> {
  const text = `{ fineTuningJobs(first: 5, filter: { statuses: [${status}] }) {
    edges { node { id progress { step totalSteps } } }
  } }`;
  const { data } = await askAs(url, null, text);
  const jobs = data?.['fineTuningJobs'] as { edges: { node: Listed }[] }; // By the query.
  return jobs.edges.map(({ node }) => node);
}

async function firstOf(url: string, status: string): Promise<Listed> {
  const [job] = await jobsOf(url, status);
  if (!job) throw new Error(`expected a job that is ${status}`);
  return job;
}

const watch = (url: string, args: string[] = [], settings: Record<string, string> = {}) =>
  startScript(SCRIPT, args, { GATEWAY_URL: url, ...settings });

async function outcomeOf(url: string, args: string[] = [], settings: Record<string, string> = {}) {
  await using picture = watch(url, args, settings);
  return { code: await picture.ended, text: picture.output.text };
}

describe('npm run watch', () => {
  let gateway: TestProcess;
  let url = '';

  beforeAll(async () => {
    gateway = startScript('src/main.ts', [], { PORT: '0', SANDBOX_SPEED: '100', POLL_INTERVAL_MS: '100' });
    url = (await gateway.said(URL_SAID))[1] ?? '';
  }, 30_000);
  afterAll(async () => await gateway[Symbol.asyncDispose]());

  it('is a script of the package', () => {
    expect(packageJson.scripts.watch).toBe(`exec node --require ./src/require-node.cjs ${SCRIPT}`);
  });

  it('says of one job how it has ended, and ends with 0 when it has succeeded, and else with 1', async () => {
    const outcome = async (status: string) => {
      const { id } = await firstOf(url, status);
      const { code, text } = await outcomeOf(url, [id]);
      expect(text).toContain(id);
      expect(stripVTControlCharacters(text)).toBe(text);
      return [code, text];
    };
    expect(await Promise.all(['SUCCEEDED', 'FAILED', 'CANCELLED'].map(outcome))).toEqual([
      [0, expect.stringMatching(/ has succeeded: ft:\S+\n$/)],
      [1, expect.stringMatching(/ has failed: \S.*\n$/)],
      [1, expect.stringMatching(/ has ended: cancelled\n$/)],
    ]);
  });

  it('writes a line for each change of all jobs that move, where there is no terminal, until Ctrl-C', async () => {
    await using picture = watch(url);
    await picture.said(/Z {2}validating {2}.*ftjob-\w+\n/);
    await picture.said(/Z {2}running {2}\d+ % {2}step \d+ of \d+ {2}(?:loss|reward) [\d.]+ .*ftjob-\w+\n/);
    await picture.said(/(ftjob-\w+)\n(?:.*\n)*?.*\1\n(?:.*\n)*?.*\1\n/); // Whichever moves first.
    picture.signal('SIGINT');
    expect(await picture.ended).toBe(0);
    expect(picture.output.text).toMatch(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}\S.*\n)+$/);
  });

  it('draws them in a terminal, and leaves it as it was', async () => {
    const terminal = createTerminal({ columns: 80, rows: 12 });
    const leaving = new AbortController();
    const options = { url, token: undefined, jobId: undefined, clock: systemClock, isColored: true };
    const picture = showTerminal({ ...options, output: terminal.output, signal: leaving.signal });
    await terminal.said(/running .*█.* \d+ % .*[▁-█]{8}.*\d/);
    await terminal.said(/… and \d+ more/);
    leaving.abort();
    expect(await picture.ended).toBeNull();
    const text = terminal.text();
    expect(text.split(HIDDEN)).toEqual(['', expect.stringContaining('running')]);
    expect(text.split(SHOWN)).toEqual([expect.stringContaining('running'), '']);
    picture.refresh();
    expect(terminal.text()).toBe(text);
  });

  it('ends by itself in a terminal too, with a last line that stays', async () => {
    const { id } = await firstOf(url, 'SUCCEEDED');
    const terminal = createTerminal({ columns: 40, rows: 12 });
    const options = { url, token: undefined, jobId: id, clock: systemClock, isColored: false };
    const picture = showTerminal({ ...options, output: terminal.output, signal: new AbortController().signal });
    expect(await picture.ended).toBe(true);
    expect(stripVTControlCharacters(terminal.text())).toMatch(/succeeded .*\n.* has succeeded: ft:\S+\n$/);
  });

  it('ends with 130 at Ctrl-C when it does not know yet how the job ends', async () => {
    const { id } = await firstOf(url, 'PAUSED');
    await using picture = watch(url, [id]);
    await picture.said(/paused/);
    picture.signal('SIGINT');
    expect(await picture.ended).toBe(130);
  });

  it('says in one sentence what there is to change, and ends with 2', async () => {
    const [absent, wrong, unknown] = await Promise.all([
      outcomeOf('http://127.0.0.1:9/graphql'),
      outcomeOf(url.replace('graphql', 'health')),
      outcomeOf(url, ['ftjob-none']),
    ]);
    expect(absent).toEqual({
      code: 2,
      text: 'No gateway answers at http://127.0.0.1:9/graphql (ECONNREFUSED); start it with npm start, or name it with --url\n',
    });
    expect(wrong).toMatchObject({ code: 2, text: expect.stringMatching(/^No gateway answers at \S+\/health \(.*\n$/) });
    expect(unknown).toEqual({ code: 2, text: `The gateway at ${url} has no job ftjob-none\n` });
  });

  it('shows the command line when it is asked for it', async () => {
    const { code, text } = await outcomeOf(url, ['--help']);
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/^Shows [\s\S]*--token-file FILE[\s\S]*Ends with 0 when JOB/),
    ]);
  });
});

describe('npm run watch at a gateway that wants tokens', () => {
  it('is let in with one, and says when it is refused, and never shows it', async () => {
    const token = `test-${crypto.randomUUID()}`;
    const folder = makeFolder({ tokens: tokenLine('ann', 'viewer', token), token });
    const settings = { PORT: '0', AUTH: 'tokens', AUTH_TOKENS_FILE: join(folder, 'tokens') };
    await using gateway = startScript('src/main.ts', [], settings);
    const [, url = ''] = await gateway.said(URL_SAID);
    const outcomeWith = async (token: string | undefined) => {
      const { output, text } = createTerminal();
      const options = { url, token, jobId: 'ftjob-none', output, clock: systemClock, isColored: false };
      await showTerminal({ ...options, signal: new AbortController().signal }).ended.catch((fault) =>
        output.write(String(fault.message)),
      );
      return text();
    };
    const refused = `The gateway at ${url} refuses the token:`;
    expect(await outcomeWith(token)).toBe(`The gateway at ${url} has no job ftjob-none`);
    expect(await outcomeWith(undefined)).toBe(`${refused} set GATEWAY_TOKEN, or name a --token-file`);
    expect(await outcomeWith(`${token}x`)).toBe(`${refused} expected one that its file of tokens has`);
    const byFile = await outcomeOf(url, ['ftjob-none', '--token-file', join(folder, 'token')]);
    expect(byFile).toEqual({ code: 2, text: `The gateway at ${url} has no job ftjob-none\n` });
  });
});

describe('a job that is followed to its end', () => {
  it('is shown as it runs, and then how it has ended', async () => {
    const clock = createTestClock(systemClock.now());
    const sandbox = await createSandbox({ clock, speed: 10, seed: 1 });
    onTestFinished(sandbox.dispose);
    await using gateway = await startGateway({ OPENAI_BASE_URL: sandbox.baseUrl.href, POLL_INTERVAL_MS: '100' });
    const { url } = gateway;
    const { id } = await longRunning(url);
    const { output, text, said } = createTerminal();
    const signal = new AbortController().signal;
    const options = { url, token: undefined, jobId: id, clock: systemClock, signal, isColored: false };
    const picture = showTerminal({ ...options, output });
    await said(/Z {2}running {2}\d+ %/);
    clock.advance(3_600_000);
    const hasSucceeded = await picture.ended;
    const { data } = await askAs(url, null, `{ fineTuningJob(id: "${id}") { status } }`);
    expect(data).toEqual({ fineTuningJob: { status: hasSucceeded ? 'SUCCEEDED' : 'CANCELLED' } });
    expect(text()).toMatch(
      /^(?:.*Z {2}running {2}.*\n)+(?:.*Z {2}succeeded {2}100 % .*\n.* has succeeded: ft:.*|.* has ended: cancelled)\n$/s,
    );
  });
});

describe('a gateway that goes and comes back', () => {
  it('is waited for, and then every step goes on behind the last one', async () => {
    const sandbox = await createSandbox({ clock: systemClock, speed: 40, seed: 1 });
    onTestFinished(sandbox.dispose);
    const settings = { OPENAI_BASE_URL: sandbox.baseUrl.href, OPENAI_API_KEY: 'any-text', POLL_INTERVAL_MS: '100' };
    await using first = startScript('src/main.ts', [], { PORT: '0', ...settings });
    const [, url = ''] = await first.said(URL_SAID);
    const job = await longRunning(url);
    const terminal = createTerminal();
    const leaving = new AbortController();
    const options = { url, token: undefined, clock: systemClock, signal: leaving.signal };
    const picture = showTerminal({ ...options, jobId: undefined, output: terminal.output, isColored: false });
    await terminal.said(/running {2}\d+ %/);

    const steps: number[] = [];
    const last = () => steps.at(-1) ?? 0;
    const client = createGatewayClient({ ...options, onConnection: () => {} });
    let second: TestGateway | undefined;
    let atBreak = Number.POSITIVE_INFINITY;
    for await (const { point } of client.steps(job.id, last, leaving.signal)) {
      steps.push(point.step);
      if (!second && steps.length > (job.progress?.step ?? 0)) {
        atBreak = steps.length;
        first.signal('SIGKILL');
        await first.ended;
        await terminal.said(/The gateway has gone; trying again\.\n/);
        second = await startGateway({ ...settings, PORT: new URL(url).port });
      }
      if (steps.length >= atBreak + 3) break;
    }
    await using gateway = second;
    expect(steps).toEqual(steps.map((_, index) => index + 1));
    expect(steps.length).toBeGreaterThanOrEqual(atBreak + 3);
    await terminal.said(/The gateway is there again\.\n.*Z {2}[a-z]+ {2}/);
    leaving.abort();
    expect(await picture.ended).toBeNull();
    expect(gateway?.url).toBe(url);
  });
});

/** The newest job that runs and has many steps before it, as soon as there is one. */
async function longRunning(url: string): Promise<Listed> {
  for (;;) {
    const left = ({ progress }: Listed) => (progress ? progress.totalSteps - progress.step : 0);
    const job = (await jobsOf(url, 'RUNNING')).find((job) => left(job) >= 10);
    if (job) return job;
  }
}
