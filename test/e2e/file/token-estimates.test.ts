import { describe, expect, it } from 'vitest';
import { filePart, formOf, headersOf, partsOf, trainingLines, UPLOAD, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { type CorpusFormat, trainingCorpus } from '../../kit/token-corpus.ts';

const ESTIMATE =
  'estimatedTokens { tokens tokenizer isModelTokenizer isSampled samplingErrorPercent uncountedImageCount }';
const COUNTED_UPLOAD = UPLOAD.replace(
  'issueCount',
  `issueCount ${ESTIMATE} estimatedTrainingTokens estimatedCost { amount }`,
);
const CHECK = `query ($id: ID!, $modelId: ID, $nEpochs: Int) {
  checkTrainingFile(fileId: $id, modelId: $modelId, nEpochs: $nEpochs) { errorCount estimatedTrainingTokens ${ESTIMATE} }
}`;
const KIB = 1024;
const FORMATS: readonly CorpusFormat[] = ['chat', 'completion', 'preference', 'reinforcement'];

interface Estimate {
  readonly tokens: number;
  readonly isSampled: boolean;
  readonly samplingErrorPercent: number;
}

async function uploadedReport({ url }: TestGateway, content: string, query = COUNTED_UPLOAD, input = {}) {
  const { outcome, body } = await upload(url, content, { query, input });
  expect(body.errors).toBeUndefined();
  return Object(outcome?.['report']);
}

const line = (...messages: object[]) => `${JSON.stringify({ messages })}\n`;
const user = { role: 'user', content: 'Hi' };
const assistant = { role: 'assistant', content: 'Hello' };

/** Resolves to the number of threads that start during an action. */
async function threadsOf(action: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const onWorker = () => count++;
  process.on('worker', onWorker);
  await action();
  process.off('worker', onWorker);
  return count;
}

describe('the tokens of an upload', () => {
  it.each(FORMATS)('are counted exactly in a small file: %s', async (format) => {
    await using gateway = await startGateway({}, createTestClock());
    const { content, tokens, tokenizer } = trainingCorpus(format, 200 * KIB);
    expect(await uploadedReport(gateway, content)).toMatchObject({
      estimatedTokens: {
        tokens,
        tokenizer,
        isModelTokenizer: false,
        isSampled: false,
        samplingErrorPercent: 0,
        uncountedImageCount: 0,
      },
      estimatedTrainingTokens: null,
      estimatedCost: null,
    });
  });

  it.each(FORMATS)('are sampled in a large file, within 5 percent and the stated error: %s', async (format) => {
    await using gateway = await startGateway({}, createTestClock());
    const { content, tokens } = trainingCorpus(format, 6 * KIB * KIB);
    const { estimatedTokens }: { estimatedTokens: Estimate } = await uploadedReport(gateway, content);
    const error = Math.abs(estimatedTokens.tokens / tokens - 1);
    expect(estimatedTokens.isSampled).toBe(true);
    expect(error).toBeLessThan(0.05);
    expect(100 * error).toBeLessThanOrEqual(estimatedTokens.samplingErrorPercent);
    expect(estimatedTokens.samplingErrorPercent).toBeLessThan(5);
  });

  it('have the calls, names and refusals of messages, and no images', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const base = (await uploadedReport(gateway, line(user, assistant))).estimatedTokens.tokens;
    expect(base).toBe(3 + 2 * (3 + 1) + 2);
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    const call = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } };
    const content = line(
      { ...user, name: 'Ann', content: [{ type: 'text', text: 'Hi' }, image] },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'a', content: 'ok' },
      { role: 'assistant', refusal: 'No' },
    );
    expect((await uploadedReport(gateway, content)).estimatedTokens).toMatchObject({
      tokens: 3 + 4 * (3 + 1) + (1 + 1 + 1) + (1 + 1) + 1 + 1,
      uncountedImageCount: 1,
    });
  });

  it('count names of special tokens as text', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { estimatedTokens } = await uploadedReport(gateway, line(user, { ...assistant, content: '<|endoftext|>' }));
    expect(estimatedTokens.tokens).toBeGreaterThan(3 + 2 * (3 + 1) + 2);
  });

  it('are null in a file with errors', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { outcome } = await upload(gateway.url, `${trainingLines(12)}{}`, { query: COUNTED_UPLOAD });
    expect(outcome).toMatchObject({ __typename: 'InvalidTrainingFileError', invalid: { estimatedTokens: null } });
  });

  it('are counted only when selected, in one thread for all files', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const unselected = async () => {
      await uploadedReport(gateway, trainingLines(12), UPLOAD);
      await gateway.query('{ checkTrainingFile(fileId: "file-none", nEpochs: 3) { format } }');
    };
    expect(await threadsOf(unselected)).toBe(0);
    const selected = () => Promise.all([1, 2, 3].map(() => uploadedReport(gateway, trainingLines(12))));
    expect(await threadsOf(selected)).toBe(1);
  });

  it('do not need a thread a minute after the last count, and start one again', async () => {
    const clock = createTestClock();
    await using gateway = await startGateway({}, clock);
    const count = () => threadsOf(() => uploadedReport(gateway, trainingLines(12)));
    expect(await count()).toBe(1);
    clock.advance(59_000);
    expect(await count()).toBe(0);
    clock.advance(60_000);
    expect(await count()).toBe(1);
  });

  it('do not delay other callers, however slow the text is to count', async () => {
    await using gateway = await startGateway();
    const timeOf = async () => {
      const startedAt = performance.now();
      expect((await fetch(new URL('/health', gateway.url))).status).toBe(200);
      return performance.now() - startedAt;
    };
    // Words of 100,000 characters: to count one takes the time of its square.
    const hostile = Array.from({ length: 8 }, (_, index) =>
      line(user, { ...assistant, content: `${index}${'中文'.repeat(50_000)}` }),
    );
    const form = formOf(...partsOf({}, COUNTED_UPLOAD), filePart(hostile.join('')));
    const times: number[] = [];
    let isUploading = true;
    const response = fetch(gateway.url, { method: 'POST', headers: headersOf(), body: new Uint8Array(form) });
    const uploaded = response.then((answer) => answer.json()).finally(() => (isUploading = false));
    while (isUploading) times.push(await timeOf());
    expect(JSON.stringify(await uploaded)).toContain('UploadFileSuccess');
    const median = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
    expect(median).toBeLessThan(250);
  });
});

describe('the tokens of checkTrainingFile', () => {
  it('are counted by the tokenizer of the model', async () => {
    await using upstream = await startUpstream();
    upstream.onContent('file-1', trainingLines(12));
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, createTestClock());
    const expected = [
      ['gpt-4.1-mini', 'O200K_BASE', true],
      ['ft:gpt-3.5-turbo-0125:acme::abc', 'CL100K_BASE', true],
      ['meta-llama/Llama-3.1-8B', 'O200K_BASE', false],
      [null, 'O200K_BASE', false],
    ];
    for (const [modelId, tokenizer, isModelTokenizer] of expected) {
      expect((await gateway.query(CHECK, { id: 'file-1', modelId })).data).toMatchObject({
        checkTrainingFile: { estimatedTokens: { tokenizer, isModelTokenizer }, estimatedTrainingTokens: null },
      });
    }
  });

  it('are those of the upload, times the epochs', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { content, tokens } = trainingCorpus('chat', 20 * KIB);
    const { outcome } = await upload(gateway.url, content);
    const id = Object(outcome?.['file']).id;
    expect((await gateway.query(CHECK, { id, nEpochs: 3 })).data).toMatchObject({
      checkTrainingFile: { estimatedTokens: { tokens }, estimatedTrainingTokens: 3 * tokens },
    });
  });

  it('cost one read of the content, also for another number of epochs', async () => {
    await using upstream = await startUpstream();
    upstream.onContent('file-1', trainingLines(12));
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, createTestClock());
    for (const nEpochs of [1, 2, 50]) await gateway.query(CHECK, { id: 'file-1', nEpochs });
    expect(upstream.calls).toHaveLength(1);
  });

  it.each([0, -1, 51])('refuse %d epochs', async (nEpochs) => {
    await using gateway = await startGateway();
    expect((await gateway.query(CHECK, { id: 'file-1', nEpochs })).errors).toMatchObject([
      {
        message: `nEpochs: is ${nEpochs}; expected an integer from 1 to 50, such as 3.`,
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  it.each([
    ['errors', `${trainingLines(12)}{}`],
    ['no example', '\n\n'],
    ['two formats', `${trainingLines(2)}{"prompt":"a","completion":"b"}\n`],
  ])('are null in a file with %s', async (_, content) => {
    await using upstream = await startUpstream();
    upstream.onContent('file-1', content);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, createTestClock());
    expect((await gateway.query(CHECK, { id: 'file-1', nEpochs: 3 })).data).toMatchObject({
      checkTrainingFile: { estimatedTokens: null, estimatedTrainingTokens: null },
    });
  });
});
