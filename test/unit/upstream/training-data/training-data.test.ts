import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContentHashSet } from '../../../../src/upstream/training-data/content-hash-set.ts';
import {
  createTrainingDataValidator,
  type TrainingReport,
  validateTrainingData,
} from '../../../../src/upstream/training-data/training-data.ts';

const user = { role: 'user', content: 'Hi' };
const assistant = { role: 'assistant', content: 'Hello' };
const CHAT = { messages: [{ role: 'system', content: 'Be kind.' }, user, assistant] };
const COMPLETION = { prompt: 'a', completion: 'b' };
const PREFERENCE = { input: { messages: [user] }, preferred_output: [assistant], non_preferred_output: [assistant] };
const MIB = 1024 * 1024;

async function* of(...chunks: readonly (string | Uint8Array)[]) {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
const check = (...chunks: readonly (string | Uint8Array)[]) => validateTrainingData(of(...chunks));
const linesOf = (...examples: readonly unknown[]) => examples.map((example) => `${JSON.stringify(example)}\n`).join('');
/** Its errors, as `line message`. */
const errorsOf = ({ issues }: TrainingReport) =>
  issues.filter(({ severity }) => severity === 'error').map(({ line, message }) => `${line} ${message}`);
const warningsOf = ({ issues }: TrainingReport) =>
  issues.filter(({ severity }) => severity === 'warning').map(({ line, message }) => `${line} ${message}`);
const MIN_SPREAD_STREAMS = 'null expected at least 10 examples, which OpenAI needs';

describe('training data', () => {
  it.each([
    ['chat', CHAT],
    ['completion', COMPLETION],
    ['preference', PREFERENCE],
  ] as const)('of the format %s is counted and measured', async (format, example) => {
    const examples = Array.from({ length: 10 }, (_, index) => ({ ...example, '𝄞': 'x'.repeat(index) }));
    const lengths = examples.map((each) => [...JSON.stringify(each)].length);
    expect(await check(linesOf(...examples, examples[3]))).toEqual({
      format,
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
      'calls of tools',
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
    ['a call at its end', chat(user, { role: 'assistant', content: null, tool_calls: [call] })],
    ['a refusal', chat(user, { role: 'assistant', refusal: 'No.' })],
    ['weights', chat(user, { ...assistant, weight: 0 }, user, { ...assistant, weight: 1 })],
    ['parts', chat({ role: 'user', content: [{ type: 'text', text: 'a' }] }, assistant)],
    ['an empty text', chat({ role: 'user', content: '' }, assistant)],
    ['the older calls of functions', chat(user, { role: 'assistant', function_call: { name: 'f', arguments: '' } })],
    ['members that we do not know', { ...CHAT, parallel_tool_calls: false, other: [1] }],
  ])('may have %s', async (_, example) => {
    expect(errorsOf(await check(linesOf(example)))).toEqual([]);
  });

  const role = 'expected one of system, developer, user, assistant, tool, function';
  it.each<[unknown, string[]]>([
    [{ text: 'a' }, ['expected an example: messages, or prompt and completion, or input with two outputs']],
    [[CHAT], ['expected an example: messages, or prompt and completion, or input with two outputs']],
    [chat(), ['messages: expected a list of messages']],
    [{ messages: 'a' }, ['messages: expected a list of messages']],
    [chat(user), ['messages: expected the last one to be of the role assistant']],
    [
      chat(user, { ...assistant, weight: 0 }),
      ['messages: expected one of the role assistant with a weight that is not 0'],
    ],
    [chat({ role: 'human', content: 'a' }, assistant), [`messages.0.role: ${role}`]],
    [chat('a', assistant), ['messages.0: expected an object']],
    [chat({ role: 'user' }, assistant), ['messages.0.content: expected a text or a list of parts']],
    [
      chat({ role: 'user', content: 5 }, { role: 'assistant', content: null }),
      [
        'messages.0.content: expected a text or a list of parts',
        'messages.1.content: expected a text or a list of parts',
      ],
    ],
    [chat(user, { ...assistant, weight: 0.5 }), ['messages.1.weight: expected 0 or 1']],
    [chat({ ...user, weight: 1 }, assistant), ['messages.0.weight: expected only at the role assistant']],
    [chat({ role: 'tool', content: 'a' }, assistant), ['messages.0.tool_call_id: expected a text']],
    [chat(user, { role: 'assistant', tool_calls: [] }), ['messages.1.tool_calls: expected a list of calls']],
    [
      chat(user, { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: {} } }] }),
      ['messages.1.tool_calls.0.function: expected a name and its arguments as a text'],
    ],
    [{ ...CHAT, tools: {} }, ['tools: expected a list']],
    [{ ...CHAT, tools: [{}] }, ['tools.0.function: expected an object with a name']],
    [{ prompt: 'a' }, ['completion: expected a text']],
    [{ prompt: 1, completion: [] }, ['prompt: expected a text', 'completion: expected a text']],
    [{ ...PREFERENCE, input: [] }, ['input: expected an object with messages']],
    [{ ...PREFERENCE, input: { messages: [user], tools: 1 } }, ['input.tools: expected a list']],
    [{ ...PREFERENCE, preferred_output: undefined }, ['preferred_output: expected a list of messages']],
    [
      { ...PREFERENCE, non_preferred_output: [user] },
      ['non_preferred_output: expected messages of the role assistant'],
    ],
  ])('may not have the line %j', async (example, messages) => {
    expect(errorsOf(await check(linesOf(example)))).toEqual(messages.map((message) => `1 ${message}`));
  });

  it('may not have lines of different formats', async () => {
    const report = await check(linesOf(CHAT, COMPLETION, CHAT));
    expect(report.format).toBeNull();
    expect(errorsOf(report)).toEqual(['2 expected the format of the first example, chat, not completion']);
  });

  const line = JSON.stringify(COMPLETION);
  it.each<[string, (string | Uint8Array)[], string[], number]>([
    ['no bytes', [], ['null expected examples, not an empty file'], 0],
    ['chunks without bytes', ['', ''], ['null expected examples, not an empty file'], 0],
    ['no last line end', [`${line}\n${line}`], [], 2],
    ['CRLF', [`${line}\r\n${line}\r\n`], [], 2],
    ['a byte order mark', ['\uFEFF', `${line}\n`], [], 1],
    ['a byte order mark later', [`${line}\n\uFEFF${line}\n`], ['2 expected JSON'], 2],
    ['empty lines', [`\n${line}\n\r\n`], [], 1],
    [
      'invalid UTF-8',
      [Buffer.from('{"prompt":"'), Buffer.from([0xc3, 0x28]), '","completion":"b"}\n'],
      ['1 expected UTF-8'],
      1,
    ],
    ['UTF-8 that is cut off', [Buffer.from([0xe2, 0x82])], ['1 expected UTF-8'], 1],
    ['half a surrogate pair in bytes', [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])], ['1 expected UTF-8'], 1],
    ['no JSON', ['{"prompt":\n', `${line}\n`], ['1 expected JSON'], 2],
    ['deep JSON', ['['.repeat(100_000)], ['1 expected JSON'], 1],
    [
      'deep JSON that is right',
      [`${'['.repeat(5000)}${']'.repeat(5000)}`],
      ['1 expected JSON that is not nested so deep'],
      1,
    ],
    ['JSON of too many values', [`[${'0,'.repeat(600_000)}0]`], ['1 expected JSON of at most 500000 marks'], 1],
  ])('with %s is told so', async (_, chunks, errors, exampleCount) => {
    const report = await check(...chunks);
    expect(errorsOf(report)).toEqual(errors);
    expect(report.exampleCount).toBe(exampleCount);
    expect(report.errorCount).toBe(errors.length);
  });

  it('is measured without line ends and byte order mark, which is warned of, as are empty lines and few examples', async () => {
    const report = await check(`\uFEFF${line}\r\n\r\n${line}`);
    expect(report).toMatchObject({ characterCount: 2 * line.length, longestExample: line.length, duplicateCount: 1 });
    expect(warningsOf(report)).toEqual([
      '1 expected no byte order mark',
      '2 expected an example, not an empty line',
      MIN_SPREAD_STREAMS,
    ]);
  });

  it('of a line as long as a file can be is measured in little memory, and the lines behind it are read', () => {
    const chunk = Buffer.alloc(MIB, 'x');
    const checking = createTrainingDataValidator();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let count = 0; count < 600; count++) {
      checking.add(chunk);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    checking.add(Buffer.from(`\n${line}\n`));
    const report = checking.report();
    expect(most).toBeLessThan(64 * MIB);
    expect(report).toMatchObject({ exampleCount: 2, format: 'completion', longestExample: 600 * MIB, errorCount: 1 });
    expect(errorsOf(report)).toEqual(['1 expected a line of at most 8388608 bytes']);
  });

  it.each([
    [8 * MIB, 0],
    [8 * MIB + 1, 1],
  ])('may have a line of %i bytes: %i errors', async (bytes, errors) => {
    const long = JSON.stringify({ prompt: '', completion: '' });
    const example = JSON.stringify({ prompt: 'x'.repeat(bytes - long.length), completion: '' });
    expect((await check(example)).errorCount).toBe(errors);
  });

  it('tells the first hundred of its issues, and how many there are', async () => {
    const report = await check('x\n'.repeat(5000));
    expect(report.issues.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(report).toMatchObject({ issueCount: 5000, errorCount: 5000, duplicateCount: 4999 });
  });

  it('finds each of many duplicates, and takes nothing else for one', () => {
    const examples = Array.from({ length: 20_000 }, (_, index) => `example ${index}`).map((text) => Buffer.from(text));
    const seen = createContentHashSet(10_000);
    expect(examples.filter((example) => seen.testAndAdd(example))).toEqual([]);
    expect(examples.map((example) => seen.testAndAdd(example)).indexOf(false)).toBe(10_000); // There is room for no more.
  });

  it('tells of an error as soon as it has come', () => {
    const checking = createTrainingDataValidator();
    checking.add(Buffer.from(linesOf(CHAT)));
    expect(checking.errorCount).toBe(0);
    checking.add(Buffer.from('x\n'));
    expect(checking.errorCount).toBe(1);
  });

  const pieces = fc.constantFrom(line, `${JSON.stringify(CHAT)}`, '\n', '\r\n', '\uFEFF', 'ü𝄞', '{', '\r', 'x');
  const bytes = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 300 }),
  );
  const cut = (whole: Uint8Array, cuts: readonly number[]) => {
    const places = [0, ...cuts.map((at) => at % (whole.length + 1)).sort((a, b) => a - b), whole.length];
    return places.slice(1).map((to, index) => whole.subarray(places[index], to));
  };

  it('gives the same report however it is cut, and never throws, whatever the bytes are: property', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 20 }), async (whole, cuts) => {
        const report = await check(whole);
        expect(await check(...cut(whole, cuts))).toEqual(report);
        expect(await check(...Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(report);
        expect(report.issueCount).toBeGreaterThanOrEqual(report.issues.length);
      }),
      { numRuns: 200 },
    );
  });

  it('never throws, whatever JSON its lines are: property', async () => {
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
        expect((await check(linesOf(...examples))).exampleCount).toBe(examples.length);
      }),
      { numRuns: 200 },
    );
  });
});
