import { describe, expect, it } from 'vitest';
import { type ExampleKind, findExampleIssue } from '../../../../src/sandbox/training-file/example-validation.ts';
import { validateTrainingData } from '../../../../src/upstream/training-data/file-validator.ts';
import { RULE_CASES } from '../../../kit/training-examples.ts';

async function validate(...lines: unknown[]) {
  async function* content() {
    yield Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  const { format, issues } = await validateTrainingData(content());
  const messagesOf = (severity: string) =>
    issues.filter((issue) => issue.line !== null && issue.severity === severity).map(({ message }) => message);
  return { format, errors: messagesOf('error'), warnings: messagesOf('warning') };
}

const KINDS: Readonly<Record<keyof typeof RULE_CASES, ExampleKind>> = {
  chat: 'chat',
  completion: 'completion',
  preference: 'preference',
  reinforcement: 'prompt',
};

describe.each(Object.entries(RULE_CASES))('an example of the format %s', (format, cases) => {
  it.each(cases)('with $title has its issues', async ({ line, errors = [], warnings = [] }) => {
    expect(await validate(line)).toEqual({ format, errors, warnings });
  });

  it.each(cases)('with $title fails a job of the sandbox when the report has an error', ({ line, errors = [] }) => {
    const issue = findExampleIssue(JSON.stringify(line), KINDS[format as keyof typeof KINDS]);
    expect(issue === null).toBe(errors.length === 0);
  });
});

describe('a file', () => {
  const messages = [{ role: 'user', content: 'Hi' }];
  const chat = { messages: [...messages, { role: 'assistant', content: 'Hello' }] };
  const reinforcement = { messages, reference_answer: 'x' };
  const EVIDENCE = '(a last message of the role user, and other members)';

  it('of questions without other members is a chat without answers', async () => {
    expect(await validate({ messages, tools: [] })).toMatchObject({
      format: 'chat',
      errors: ['messages: ends with another role; expected a last message of the role assistant'],
    });
  });

  it('of reinforcement examples may have one without references, with a warning', async () => {
    expect(await validate(reinforcement, { messages })).toEqual({
      format: 'reinforcement',
      errors: [],
      warnings: ['has only messages; expected another member for the grader, such as reference_answer'],
    });
  });

  it('that mixes chat and reinforcement has no format, and an error for each example of another format than the first', async () => {
    expect(await validate(chat, reinforcement, chat)).toEqual({
      format: null,
      errors: [`has the format reinforcement ${EVIDENCE}; expected chat, the format of the first example`],
      warnings: [],
    });
    expect(await validate(reinforcement, { ...chat, reference_answer: 'x' })).toEqual({
      format: null,
      errors: [`has the format chat; expected reinforcement ${EVIDENCE}, the format of the first example`],
      warnings: [],
    });
  });

  it('of chats with other members stays a chat', async () => {
    expect(await validate({ ...chat, metadata: {} })).toEqual({ format: 'chat', errors: [], warnings: [] });
  });
});
