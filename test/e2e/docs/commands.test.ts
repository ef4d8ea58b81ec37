import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { trainingLines } from '../../kit/client/upload.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { codeBlocks, readPages } from '../../kit/process/documents.ts';
import { makeFolder } from '../../kit/process/folder.ts';

const run = promisify(execFile);

/** The gateway's address in the pages. */
const SHOWN = 'http://127.0.0.1:4000/graphql';
/** Commands of which other tests, or a person, have proof: npm scripts, containers, and settings before `npm start`. */
const TRIED_ELSEWHERE =
  /^(#|npm |docker |kubectl |chmod |umask |printf |openssl |password=\$\(openssl |[A-Z_]+=\S+ (.*npm start))/;

interface Command {
  readonly page: string;
  readonly command: string;
}

const commands: Command[] = readPages().flatMap((page) =>
  codeBlocks(page, 'sh').flatMap((block) =>
    block
      .split('\n')
      .filter((command) => command !== '')
      .map((command) => ({ page: page.path, command })),
  ),
);
const isStream = ({ command }: Command) => command.startsWith('curl -N');
const isRequest = ({ command }: Command) => command.startsWith('curl ') && !command.startsWith('curl -N');
const hasToken = ({ command }: Command) => command.includes('Authorization');

async function hasCurl(): Promise<boolean> {
  try {
    return (await run('curl', ['--help', 'all'])).stdout.includes('--json');
  } catch {
    return false;
  }
}

describe('the commands in the pages', async () => {
  const isThere = await hasCurl();

  it('are each run by a test, here or elsewhere', () => {
    const rest = commands.filter((shown) => !isStream(shown) && !isRequest(shown));
    const untried = rest.filter(({ command }) => !TRIED_ELSEWHERE.test(command) && !command.startsWith('for i in '));
    expect(untried).toEqual([]);
    expect(commands.length).toBeGreaterThan(20);
  });

  it.skipIf(!isThere).each(commands.filter((shown) => isRequest(shown) && !hasToken(shown)))(
    '$page: $command gets an answer without errors',
    async ({ command }) => {
      await using gateway = await startGateway();
      const cwd = makeFolder({ 'train.jsonl': trainingLines(12) });
      const { stdout } = await run('sh', ['-c', command.replace(SHOWN, gateway.url)], { cwd });
      const { data, errors } = JSON.parse(stdout);
      expect(errors).toBeUndefined();
      expect(JSON.stringify(data)).not.toContain('Error');
    },
  );

  it.skipIf(!isThere).each(commands.filter(isStream))('$page: $command streams the present states', async (shown) => {
    await using gateway = await startGateway();
    const child = spawn('sh', ['-c', `exec ${shown.command.replace(SHOWN, gateway.url)}`]);
    onTestFinished(() => void child.kill());
    let text = '';
    for await (const chunk of child.stdout) {
      text += chunk;
      if (text.includes('"status"')) break;
    }
    expect(text).toMatch(/event: next\ndata: \{"data":\{"anyFineTuningJobStatusChanged":\{"status":"\w+"/);
    child.kill();
    await once(child, 'close');
  });

  it('make a training file that the gateway accepts', async () => {
    const cwd = makeFolder({});
    const [loop] = commands.filter(({ command }) => command.startsWith('for i in '));
    const { stdout } = await run('sh', ['-c', `${loop?.command} && cat train.jsonl`], { cwd });
    await using gateway = await startGateway();
    const { data } = await gateway.query(
      'mutation ($text: String) { uploadFile(input: { text: $text }) { __typename } }',
      { text: stdout },
    );
    expect(data).toEqual({ uploadFile: { __typename: 'UploadFileSuccess' } });
  });
});
