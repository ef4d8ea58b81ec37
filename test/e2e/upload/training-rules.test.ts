import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { RULE_CASES } from '../../kit/training-examples.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const LINES = trainingLines(12);
const jsonl = (lines: readonly unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

const CREATE = `mutation ($file: ID!) { createFineTuningJob(input: {
  modelId: "o4-mini", trainingFileId: $file, method: { reinforcement: { grader: { stringCheck: {
    name: "same", input: "{{sample.output_text}}", reference: "{{item.reference_answer}}", operation: EQ
  } } } }
}) { ... on CreateFineTuningJobSuccess { fineTuningJob { id } } ... on Error { message } } }`;

describe('an uploaded training file', () => {
  it.each(Object.entries(RULE_CASES))(
    'of the format %s has an issue for each broken rule, with its line',
    async (format, cases) => {
      const expected = cases.flatMap(({ errors = [], warnings = [] }, index) => [
        ...errors.map((message) => ({ line: index + 1, severity: 'ERROR', message })),
        ...warnings.map((message) => ({ line: index + 1, severity: 'WARNING', message })),
      ]);
      const { outcome } = await upload(gateway.url, jsonl(cases.map(({ line }) => line)));
      const { issues, ...report } = Object(outcome?.['report'] ?? outcome?.['invalid']);
      expect(report).toMatchObject({ format: format.toUpperCase(), exampleCount: cases.length, isComplete: true });
      expect(issues.filter(({ line }: { line: number | null }) => line !== null)).toHaveLength(expected.length);
      expect(issues).toEqual(expect.arrayContaining(expected));
    },
  );

  it('of reinforcement examples is created, and a job trains on it', async () => {
    const line = { messages: [{ role: 'user', content: '1 + 1?' }], reference_answer: '2' };
    const clock = createTestClock();
    await using own = await startGateway({}, clock);
    const { outcome } = await upload(own.url, jsonl(Array(12).fill(line)));
    expect(outcome).toMatchObject({
      __typename: 'UploadFileSuccess',
      report: { format: 'REINFORCEMENT', errorCount: 0, issues: [] },
    });
    const created = await own.query(CREATE, { file: Object(outcome?.['file']).id });
    const { id } = Object(Object(created.data?.['createFineTuningJob']).fineTuningJob);
    clock.advance(60_000);
    const { data } = await own.query('query ($id: ID!) { fineTuningJob(id: $id) { status } }', { id });
    expect(data).toEqual({ fineTuningJob: { status: 'RUNNING' } });
  });

  it.each([1, 12])(
    'of chats with other members has one error, for the line without an answer: line %i',
    async (wrong) => {
      const messages = [{ role: 'user', content: '1 + 1?' }];
      const chat = { messages: [...messages, { role: 'assistant', content: '2' }], id: 1 };
      const lines: unknown[] = Array(12).fill(chat);
      lines[wrong - 1] = { messages, id: 1 };
      const { outcome } = await upload(gateway.url, jsonl(lines));
      expect(outcome).toMatchObject({
        __typename: 'InvalidTrainingFileError',
        invalid: {
          format: 'CHAT',
          errorCount: 1,
          issueCount: 1,
          issues: [
            {
              line: wrong,
              message: 'messages: ends with another role; expected a last message of the role assistant',
            },
          ],
        },
      });
    },
  );

  it('with blank lines of any white space has a warning for each, and no example', async () => {
    const { outcome } = await upload(gateway.url, `\n \t\r\n${LINES}`);
    const issue = { severity: 'WARNING', message: 'is blank; expected an example' };
    expect(outcome).toMatchObject({
      __typename: 'UploadFileSuccess',
      report: {
        exampleCount: 12,
        issues: [
          { line: 1, ...issue },
          { line: 2, ...issue },
        ],
      },
    });
  });

  it('of only blank lines is rejected', async () => {
    const { outcome } = await upload(gateway.url, '\n  \n\r\n');
    expect(outcome).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      invalid: { errorCount: 1, issues: [{}, {}, {}, { line: null, severity: 'ERROR' }] },
    });
  });

  it('that is read in part after its first error has errors for wrong lines only', async () => {
    const long = trainingLines(4, 'a'.repeat(6 * 1024 * 1024)); // Reading stops after 16 MiB, within a valid line.
    const { outcome } = await upload(gateway.url, `x\n${long}`);
    expect(outcome).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      invalid: { isComplete: false, errorCount: 1, issueCount: 1, issues: [{ line: 1 }] },
    });
  });
});

describe('checkTrainingFile', () => {
  it('shows the format and the issues of a file that another client uploaded', async () => {
    await using upstream = await startUpstream();
    const { line, errors } = RULE_CASES.reinforcement[3] ?? {};
    upstream.onContent('file-1', jsonl([...Array(9).fill(RULE_CASES.reinforcement[0]?.line), line]));
    await using own = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const query = '{ checkTrainingFile(fileId: "file-1") { format issues { line severity message } } }';
    expect((await own.query(query)).data).toEqual({
      checkTrainingFile: { format: 'REINFORCEMENT', issues: [{ line: 10, severity: 'ERROR', message: errors?.[0] }] },
    });
  });
});
