import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExampleKind, findExampleIssue } from '../../../../src/sandbox/training-file/example-validation.ts';
import {
  createTrainingDataValidator,
  validateTrainingData,
} from '../../../../src/upstream/training-data/file-validator.ts';
import { RULE_CASES } from '../../../kit/training-examples.ts';

async function report(lines: readonly unknown[]) {
  async function* content() {
    yield Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  return await validateTrainingData(content());
}

async function validate(...lines: unknown[]) {
  const { format, issues } = await report(lines);
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

  it('with special tokens in its texts has warnings of their lines', async () => {
    const withText = (content: unknown) => ({ messages: [...messages, { role: 'assistant', content }] });
    const { issues, errorCount } = await report([
      ...Array.from({ length: 10 }, () => withText('a <| b |> <|unknown|>')),
      withText('end <|im_end|>'),
      withText([{ type: 'text', text: '<|fim_suffix|>' }]),
    ]);
    const problem = (path: string, token: string) =>
      `${path}: has the special token ${token}; expected text without it, because OpenAI fails such a job`;
    expect(errorCount).toBe(0);
    expect(issues).toEqual([
      { line: 11, severity: 'warning', message: problem('messages[1].content', '<|im_end|>') },
      { line: 12, severity: 'warning', message: problem('messages[1].content[0].text', '<|fim_suffix|>') },
    ]);
    const { warnings } = await validate({ prompt: '<|endoftext|>', completion: 'a' });
    expect(warnings).toEqual([problem('prompt', '<|endoftext|>')]);
  });

  it('of reinforcement examples may have one without references, with a warning', async () => {
    expect(await validate(reinforcement, { messages })).toEqual({
      format: 'reinforcement',
      errors: [],
      warnings: ['has only messages; expected another member for the grader, such as reference_answer'],
    });
  });

  const NO_ANSWER = 'messages: ends with another role; expected a last message of the role assistant';
  const NO_REFERENCE = 'has only messages; expected another member for the grader, such as reference_answer';
  const orders = <T>(few: readonly T[], many: readonly T[]) => [
    [...few, ...many],
    [...many, ...few],
    [...many.slice(0, 2), ...few, ...many.slice(2)],
  ];

  it('of chats with other members has an error for the one without its answer, wherever it stands', async () => {
    const [answered, unanswered] = [
      { ...chat, id: 1 },
      { messages, id: 1 },
    ];
    for (const lines of orders([unanswered], Array(11).fill(answered))) {
      const { format, issues } = await report(lines);
      expect(format).toBe('chat');
      expect(issues).toEqual([{ line: lines.indexOf(unanswered) + 1, severity: 'error', message: NO_ANSWER }]);
    }
  });

  it('of prompts for graders has an error for the chat and a warning for the one without references, wherever they stand', async () => {
    for (const lines of orders([{ messages }, { ...chat, id: 1 }], Array(11).fill(reinforcement))) {
      const { format, issues } = await report(lines);
      expect(format).toBeNull();
      expect(issues.filter(({ severity }) => severity === 'error')).toEqual([
        {
          line: lines.findIndex((line) => Object(line).id === 1) + 1,
          severity: 'error',
          message: `has the format chat; expected reinforcement ${EVIDENCE}, the format of the other examples`,
        },
      ]);
      expect(issues).toContainEqual({
        line: lines.findIndex((line) => Object.keys(Object(line)).length === 1) + 1,
        severity: 'warning',
        message: NO_REFERENCE,
      });
    }
  });

  it('of any other formats has an error for each example of another format than most, wherever it stands', async () => {
    const completion = { prompt: 'a', completion: 'b' };
    for (const lines of orders([completion], Array(11).fill(chat))) {
      const { format, issues } = await report(lines);
      expect(format).toBeNull();
      expect(issues).toEqual([
        {
          line: lines.indexOf(completion) + 1,
          severity: 'error',
          message: 'has the format completion; expected chat, the format of the other examples',
        },
      ]);
    }
  });

  it('of as many chats as prompts for graders has the format of the first example', async () => {
    expect(await validate(chat, reinforcement)).toEqual({ format: 'chat', errors: [NO_ANSWER], warnings: [] });
    expect(await validate(reinforcement, { ...chat, id: 1 })).toEqual({
      format: null,
      errors: [`has the format chat; expected reinforcement ${EVIDENCE}, the format of the other examples`],
      warnings: [],
    });
  });

  it('of two formats has a hundred issues at most, those of its format', async () => {
    const lines = [...Array(300).fill({ messages, id: 1 }), ...Array(400).fill({ ...chat, id: 1 })];
    const { issues, issueCount, errorCount } = await report(lines);
    expect(issues.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(issues.every(({ message }) => message === NO_ANSWER)).toBe(true);
    expect({ issueCount, errorCount }).toEqual({ issueCount: 300, errorCount: 300 });
  });

  it('has an error as soon as its formats differ, and before only errors that stay', () => {
    const lines = [{ messages }, reinforcement, { ...chat, id: 1 }];
    const validator = createTrainingDataValidator();
    const counts = lines.map((line) => {
      validator.add(Buffer.from(`${JSON.stringify(line)}\n`));
      return validator.errorCount;
    });
    expect(counts).toEqual([0, 0, 1]);
  });

  const anyLine = fc.constantFrom<unknown>(chat, { ...chat, id: 1 }, { messages }, reinforcement, { prompt: 'a' }, 5);
  it('has no fewer errors at its end than while it is read: property', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 12 }), (lines) => {
        const validator = createTrainingDataValidator();
        let before = 0;
        for (const line of lines) {
          validator.add(Buffer.from(`${JSON.stringify(line)}\n`));
          expect(validator.errorCount).toBeGreaterThanOrEqual(before);
          before = validator.errorCount;
          expect(validator.partialReport().errorCount).toBeGreaterThanOrEqual(before);
        }
        const { errorCount } = validator.report();
        expect(errorCount).toBeGreaterThanOrEqual(before);
        expect(validator.errorCount).toBe(errorCount);
      }),
    );
  });

  it('of chats with other members stays a chat', async () => {
    expect(await validate({ ...chat, metadata: {} })).toEqual({ format: 'chat', errors: [], warnings: [] });
  });
});
