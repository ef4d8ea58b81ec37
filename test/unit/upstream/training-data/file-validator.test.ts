import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContentHashSet } from '../../../../src/upstream/training-data/content-hash-set.ts';
import {
  createTrainingDataValidator,
  validateTrainingData,
} from '../../../../src/upstream/training-data/file-validator.ts';
import type { TrainingReport } from '../../../../src/upstream/training-data/report-builder.ts';

const user = { role: 'user', content: 'Hi' };
const assistant = { role: 'assistant', content: 'Hello' };
const CHAT = { messages: [{ role: 'system', content: 'Be kind.' }, user, assistant] };
const COMPLETION = { prompt: 'a', completion: 'b' };
const PREFERENCE = { input: { messages: [user] }, preferred_output: [assistant], non_preferred_output: [assistant] };
const MIB = 1024 * 1024;

async function* of(...chunks: readonly (string | Uint8Array)[]) {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
const validate = (...chunks: readonly (string | Uint8Array)[]) => validateTrainingData(of(...chunks));
const linesOf = (...examples: readonly unknown[]) => examples.map((example) => `${JSON.stringify(example)}\n`).join('');
/** The errors of a report, as `line message`. */
const errorsOf = ({ issues }: TrainingReport) =>
  issues.filter(({ severity }) => severity === 'error').map(({ line, message }) => `${line} ${message}`);
const warningsOf = ({ issues }: TrainingReport) =>
  issues.filter(({ severity }) => severity === 'warning').map(({ line, message }) => `${line} ${message}`);
const TOO_FEW_EXAMPLES = 'null has too few examples (2); OpenAI expects at least 10';

describe('a training file', () => {
  it.each([
    ['chat', CHAT],
    ['completion', COMPLETION],
    ['preference', PREFERENCE],
  ] as const)('of the format %s is counted and measured', async (format, example) => {
    const examples = Array.from({ length: 10 }, (_, index) => ({ ...example, '𝄞': 'x'.repeat(index) }));
    const lengths = examples.map((each) => [...JSON.stringify(each)].length);
    expect(await validate(linesOf(...examples, examples[3]))).toEqual({
      format,
      estimatedTokens: null,
      exampleCount: 11,
      characterCount: lengths.reduce((sum, length) => sum + length) + (lengths[3] ?? 0),
      longestExample: Math.max(...lengths),
      duplicateCount: 1,
      issues: [],
      issueCount: 0,
      errorCount: 0,
    });
  });

  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
  const chat = (...messages: unknown[]) => ({ messages });
  it.each<[string, unknown]>([
    [
      'tool calls',
      {
        ...chat(
          user,
          { role: 'assistant', tool_calls: [call] },
          { role: 'tool', tool_call_id: 'c', content: '1' },
          assistant,
        ),
        tools: [{ type: 'function', function: { name: 'f' } }],
      },
    ],
    ['a tool call at its end', chat(user, { role: 'assistant', content: null, tool_calls: [call] })],
    ['a refusal', chat(user, { role: 'assistant', refusal: 'No.' })],
    ['weights', chat(user, { ...assistant, weight: 0 }, user, { ...assistant, weight: 1 })],
    ['parts', chat({ role: 'user', content: [{ type: 'text', text: 'a' }] }, assistant)],
    ['an empty string', chat({ role: 'user', content: '' }, assistant)],
    ['a deprecated function call', chat(user, { role: 'assistant', function_call: { name: 'f', arguments: '' } })],
    ['unknown members', { ...CHAT, parallel_tool_calls: false, other: [1] }],
  ])('is valid with %s', async (_, example) => {
    expect(errorsOf(await validate(linesOf(example)))).toEqual([]);
  });

  const NO_EXAMPLE =
    'is not an example; expected an object with messages, or with prompt and completion, or with input, preferred_output and non_preferred_output';
  const content = 'expected a string or a list of content parts';
  const roles = 'expected one of system, developer, user, assistant, tool, function';
  it.each<[unknown, string[]]>([
    [{ text: 'a' }, [NO_EXAMPLE]],
    [[CHAT], [NO_EXAMPLE]],
    [chat(), ['messages: is empty; expected a list of messages']],
    [{ messages: 'a' }, ['messages: is a string; expected a list of messages']],
    [chat(user), ['messages: ends with another role; expected a last message of the role assistant']],
    [
      chat(user, { ...assistant, weight: 0 }),
      ['messages: has only weights 0; expected a message of the role assistant with weight 1'],
    ],
    [chat({ role: 'human', content: 'a' }, assistant), [`messages[0].role: is unknown; ${roles}`]],
    [chat('a', assistant), ['messages[0]: is a string; expected an object with role and content']],
    [chat({ role: 'user' }, assistant), [`messages[0].content: is missing; ${content}`]],
    [
      chat({ role: 'user', content: 5 }, { role: 'assistant', content: null }),
      [`messages[0].content: is a number; ${content}`, `messages[1].content: is null; ${content}`],
    ],
    [chat(user, { ...assistant, weight: 0.5 }), ['messages[1].weight: is invalid; expected 0 or 1']],
    [
      chat({ ...user, weight: 1 }, assistant),
      ['messages[0].weight: is on another role; expected it only on the role assistant'],
    ],
    [chat({ role: 'tool', content: 'a' }, assistant), ['messages[0].tool_call_id: is missing; expected a string']],
    [chat({ role: 'function', content: 'a' }, assistant), ['messages[0].name: is missing; expected a string']],
    [
      chat(user, { role: 'assistant', tool_calls: [] }),
      ['messages[1].tool_calls: is empty; expected a list of tool calls'],
    ],
    [
      chat(user, { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: {} } }] }),
      [
        'messages[1].tool_calls[0].function.arguments: is an object; expected JSON in a string, such as "{\\"city\\": \\"Paris\\"}"',
      ],
    ],
    [{ ...CHAT, tools: {} }, ['tools: is an object; expected a list of tools']],
    [{ ...CHAT, tools: [{}] }, ['tools[0].function: is invalid; expected an object with the string name']],
    [
      {
        ...CHAT,
        tools: [
          { type: 'custom' },
          { type: 'custom', custom: { name: 1 } },
          { type: 'custom', function: { name: 'f' } },
        ],
      },
      [0, 1, 2].map((index) => `tools[${index}].custom: is invalid; expected an object with the string name`),
    ],
    [{ prompt: 'a' }, ['completion: is missing; expected a string']],
    [
      { prompt: 1, completion: [] },
      ['prompt: is a number; expected a string', 'completion: is a list; expected a string'],
    ],
    [{ ...PREFERENCE, input: [] }, ['input: is a list; expected an object with messages']],
    [{ ...PREFERENCE, input: { messages: [user], tools: 1 } }, ['input.tools: is a number; expected a list of tools']],
    [{ ...PREFERENCE, preferred_output: undefined }, ['preferred_output: is missing; expected a list of messages']],
    [
      { ...PREFERENCE, non_preferred_output: [user] },
      [
        'non_preferred_output[0].role: is another role; expected assistant',
        'non_preferred_output: has no message of the role assistant; expected at least one',
      ],
    ],
  ])('is invalid with the line %j', async (example, messages) => {
    expect(errorsOf(await validate(linesOf(example)))).toEqual(messages.map((message) => `1 ${message}`));
  });

  it('is invalid with lines of different formats', async () => {
    const report = await validate(linesOf(CHAT, COMPLETION, CHAT));
    expect(report.format).toBeNull();
    expect(errorsOf(report)).toEqual(['2 has the format completion; expected chat, the format of the other examples']);
  });

  const line = JSON.stringify(COMPLETION);
  it.each<[string, (string | Uint8Array)[], string[], number]>([
    ['no bytes', [], ['null is empty; expected a file with at least one example'], 0],
    ['chunks without bytes', ['', ''], ['null is empty; expected a file with at least one example'], 0],
    ['no last line end', [`${line}\n${line}`], [], 2],
    ['CRLF', [`${line}\r\n${line}\r\n`], [], 2],
    ['a byte order mark', ['\uFEFF', `${line}\n`], [], 1],
    [
      'a byte order mark on a later line',
      [`${line}\n\uFEFF${line}\n`],
      ['2 is not JSON; expected one JSON object per line'],
      2,
    ],
    ['empty lines', [`\n${line}\n\r\n`], [], 1],
    ['lines of white space', [`  \n\t\r\n${line}\n\u00A0\u2003\n \v\f`], [], 1],
    [
      'nothing but blank lines',
      ['\n  \r\n\n'],
      ['null has only blank lines; expected a file with at least one example'],
      0,
    ],
    [
      'invalid UTF-8',
      [Buffer.from('{"prompt":"'), Buffer.from([0xc3, 0x28]), '","completion":"b"}\n'],
      ['1 is not UTF-8; expected JSON in UTF-8'],
      1,
    ],
    ['UTF-8 that is cut off', [Buffer.from([0xe2, 0x82])], ['1 is not UTF-8; expected JSON in UTF-8'], 1],
    [
      'half a surrogate pair in bytes',
      [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
      ['1 is not UTF-8; expected JSON in UTF-8'],
      1,
    ],
    ['a line that is not JSON', ['{"prompt":\n', `${line}\n`], ['1 is not JSON; expected one JSON object per line'], 2],
    [
      'incomplete JSON that is nested deep',
      ['['.repeat(100_000)],
      ['1 is not JSON; expected one JSON object per line'],
      1,
    ],
    [
      'JSON that is nested too deep',
      [`${'['.repeat(5000)}${']'.repeat(5000)}`],
      ['1 is nested too deep; expected at most 100 levels'],
      1,
    ],
    [
      'JSON of too many values',
      [`[${'0,'.repeat(600_000)}0]`],
      ['1 has too many JSON values; expected at most 500000 JSON tokens'],
      1,
    ],
  ])('with %s has these errors', async (_, chunks, errors, exampleCount) => {
    const report = await validate(...chunks);
    expect(errorsOf(report)).toEqual(errors);
    expect(report.exampleCount).toBe(exampleCount);
    expect(report.errorCount).toBe(errors.length);
  });

  it('is measured without line ends and byte order mark, and has warnings for that mark, empty lines and too few examples', async () => {
    const report = await validate(`\uFEFF${line}\r\n\r\n${line}`);
    expect(report).toMatchObject({ characterCount: 2 * line.length, longestExample: line.length, duplicateCount: 1 });
    expect(warningsOf(report)).toEqual([
      '1 has a byte order mark; expected UTF-8 without one',
      '2 is blank; expected an example',
      TOO_FEW_EXAMPLES,
    ]);
  });

  it('with a line of 600 MiB is validated in less than 64 MiB of memory, and the next line is parsed', () => {
    const chunk = Buffer.alloc(MIB, 'x');
    const validator = createTrainingDataValidator();
    const before = process.memoryUsage().arrayBuffers;
    let peakBytes = 0;
    for (let count = 0; count < 600; count++) {
      validator.add(chunk);
      peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers - before);
    }
    validator.add(Buffer.from(`\n${line}\n`));
    const report = validator.report();
    expect(peakBytes).toBeLessThan(64 * MIB);
    expect(report).toMatchObject({ exampleCount: 2, format: 'completion', longestExample: 600 * MIB, errorCount: 1 });
    expect(errorsOf(report)).toEqual(['1 is too long; expected a line of at most 8388608 bytes']);
  });

  it.each([
    [8 * MIB, 0],
    [8 * MIB + 1, 1],
  ])('with a line of %i bytes has %i errors', async (bytes, errors) => {
    const long = JSON.stringify({ prompt: '', completion: '' });
    const example = JSON.stringify({ prompt: 'x'.repeat(bytes - long.length), completion: '' });
    expect((await validate(example)).errorCount).toBe(errors);
  });

  it('has the first hundred issues, and their total number', async () => {
    const report = await validate('x\n'.repeat(5000));
    expect(report.issues.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(report).toMatchObject({ issueCount: 5000, errorCount: 5000, duplicateCount: 4999 });
  });

  it('has each of many duplicates counted, and nothing else', () => {
    const examples = Array.from({ length: 20_000 }, (_, index) => `example ${index}`).map((text) => Buffer.from(text));
    const seen = createContentHashSet(10_000);
    expect(examples.filter((example) => seen.testAndAdd(example))).toEqual([]);
    expect(examples.map((example) => seen.testAndAdd(example)).indexOf(false)).toBe(10_000); // The set is full.
  });

  it('has its error counted as soon as the line has ended', () => {
    const validator = createTrainingDataValidator();
    validator.add(Buffer.from(linesOf(CHAT)));
    expect(validator.errorCount).toBe(0);
    validator.add(Buffer.from('x\n'));
    expect(validator.errorCount).toBe(1);
  });

  const pieces = fc.constantFrom(line, `${JSON.stringify(CHAT)}`, '\n', '\r\n', '\uFEFF', 'ü𝄞', '{', '\r', 'x');
  const bytes = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 300 }),
  );
  const cut = (whole: Uint8Array, cuts: readonly number[]) => {
    const offsets = [0, ...cuts.map((offset) => offset % (whole.length + 1)).sort((a, b) => a - b), whole.length];
    return offsets.slice(1).map((to, index) => whole.subarray(offsets[index], to));
  };

  it('has a report for any bytes, independent of chunk boundaries: property', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 20 }), async (whole, cuts) => {
        const report = await validate(whole);
        expect(await validate(...cut(whole, cuts))).toEqual(report);
        expect(await validate(...Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(report);
        expect(report.issueCount).toBeGreaterThanOrEqual(report.issues.length);
      }),
      { numRuns: 200 },
    );
  });

  it('has a report for any JSON lines: property', async () => {
    const name = fc.constantFrom(
      'messages',
      'role',
      'content',
      'weight',
      'tools',
      'tool_calls',
      'function',
      'input',
      'preferred_output',
      'prompt',
      'completion',
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue(),
        fc.constantFrom('assistant', 'user', 'tool'),
        fc.dictionary(name, tie('value')),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 3 }), async (examples) => {
        expect((await validate(linesOf(...examples))).exampleCount).toBe(examples.length);
      }),
      { numRuns: 200 },
    );
  });
});
