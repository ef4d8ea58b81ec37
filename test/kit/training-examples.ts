/** Examples that break one published rule, with the issues that a report has. */
export interface RuleCase {
  readonly title: string;
  readonly line: unknown;
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
}

const user = { role: 'user', content: 'Hi' };
const assistant = { role: 'assistant', content: 'Hello' };
export const chat = (...messages: unknown[]) => ({ messages });
const call = (id: string, args: unknown = '{}') => ({ id, type: 'function', function: { name: 'f', arguments: args } });
const calls = (...tool_calls: unknown[]) => ({ role: 'assistant', tool_calls });
const answer = (tool_call_id: string) => ({ role: 'tool', tool_call_id, content: '1' });
const parts = (...content: unknown[]) => ({ role: 'user', content });
export const image = (url: unknown = 'https://example.com/a.png') => ({ type: 'image_url', image_url: { url } });
const preference = (preferred: unknown[], nonPreferred: unknown[] = [assistant], messages: unknown[] = [user]) => ({
  input: { messages },
  preferred_output: preferred,
  non_preferred_output: nonPreferred,
});

const JSON_EXPECTED = 'expected JSON in a string, such as "{\\"city\\": \\"Paris\\"}"';
const HALF = 'has half of a surrogate pair, such as \\ud83d; expected whole characters, such as \\ud83d\\ude00';
const UNANSWERED = 'is not answered; expected a message of the role tool with its id next';
const TWICE = 'answers a call that is already answered; expected one message of the role tool for each call';
const UNCALLED = 'is the id of no call; expected the id of a tool call in the message of the role assistant before';
const PARTS = 'expected one of text, image_url, refusal';
const NO_IMAGE =
  'is no known image; expected an HTTP URL, or JPEG, PNG or WEBP as a data URL, such as data:image/png;base64,iVBOR';

const textCases: RuleCase[] = [
  {
    title: 'half a pair',
    line: chat(user, { ...assistant, content: 'a\ud83d' }),
    errors: [`messages[1].content: ${HALF}`],
  },
  {
    title: 'half a pair in a name of the file',
    line: { ...chat(user, assistant), 'my\ude00': { x: 1 } },
    errors: [`*: ${HALF}`],
  },
  { title: 'half a pair in a prompt', line: { prompt: '\ude00\ud83d', completion: 'b' }, errors: [`prompt: ${HALF}`] },
  {
    title: 'half a pair in arguments',
    line: chat(user, calls(call('a', '"\udc00"'))),
    errors: [`messages[1].tool_calls[0].function.arguments: ${HALF}`],
  },
  { title: 'whole pairs', line: chat({ role: 'user', content: '\ud83d\ude00 \\ud83d' }, assistant) },
];

const callCases: RuleCase[] = [
  {
    title: 'parallel calls, answered in any order',
    line: chat(user, calls(call('a'), call('b')), answer('b'), answer('a'), assistant),
  },
  { title: 'calls at the end', line: chat(user, calls(call('a')), answer('a'), calls(call('a'))) },
  {
    title: 'a call without answer',
    line: chat(user, calls(call('a')), assistant),
    errors: [`messages[1].tool_calls[0]: ${UNANSWERED}`],
  },
  {
    title: 'one of two calls without answer',
    line: chat(user, calls(call('a'), call('b')), answer('a'), user, answer('b'), assistant),
    errors: [`messages[1].tool_calls[1]: ${UNANSWERED}`, `messages[4].tool_call_id: ${UNCALLED}`],
  },
  {
    title: 'two answers of a call',
    line: chat(user, calls(call('a')), answer('a'), answer('a'), assistant),
    errors: [`messages[3].tool_call_id: ${TWICE}`],
  },
  {
    title: 'an answer of no call',
    line: chat(user, answer('a'), assistant),
    errors: [`messages[1].tool_call_id: ${UNCALLED}`],
  },
  {
    title: 'calls with the same id',
    line: chat(user, calls(call('a'), call('a')), answer('a'), answer('a'), assistant),
    warnings: ['messages[1].tool_calls[1].id: repeats the id of an earlier call; expected an id of its own'],
  },
  {
    title: 'a call without id, as Microsoft publishes it',
    line: chat(user, calls({ type: 'function', function: { name: 'f', arguments: '{}' } })),
    warnings: ['messages[1].tool_calls[0].id: is missing; expected a string, because some servers require it'],
  },
  {
    title: 'a call of a custom tool',
    line: chat(user, calls({ id: 'a', type: 'custom', custom: { name: 'f', input: 'x' } })),
    warnings: [
      'messages[1].tool_calls[0].type: is custom; expected function, because some servers train on no other tools',
    ],
  },
  {
    title: 'a custom tool and a call of it',
    line: {
      ...chat(user, calls({ id: 'a', type: 'custom', custom: { name: 'f', input: 'x' } })),
      tools: [
        { type: 'function', function: { name: 'g' } },
        { type: 'custom', custom: { name: 'f', format: { type: 'text' } } },
      ],
    },
    warnings: [
      'messages[1].tool_calls[0].type: is custom; expected function, because some servers train on no other tools',
      'tools[1].type: is custom; expected function, because some servers train on no other tools',
    ],
  },
  {
    title: 'arguments as an object',
    line: chat(user, calls(call('a', {}))),
    errors: [`messages[1].tool_calls[0].function.arguments: is an object; ${JSON_EXPECTED}`],
  },
  {
    title: 'arguments that are no JSON',
    line: chat(user, calls(call('a', '{city: 1}'))),
    warnings: [`messages[1].tool_calls[0].function.arguments: is not JSON; ${JSON_EXPECTED}`],
  },
  {
    title: 'arguments of a function_call as an object',
    line: chat(user, { role: 'assistant', function_call: { name: 'f', arguments: {} } }),
    errors: [`messages[1].function_call.arguments: is an object; ${JSON_EXPECTED}`],
  },
  {
    title: 'arguments of a function_call that are no JSON',
    line: chat(user, { role: 'assistant', function_call: { name: 'f', arguments: 'x' } }),
    warnings: [`messages[1].function_call.arguments: is not JSON; ${JSON_EXPECTED}`],
  },
];

const partCases: RuleCase[] = [
  {
    title: 'text and images',
    line: chat(parts({ type: 'text', text: 'a' }, image(), image('data:image/webp;base64,AA')), assistant),
  },
  {
    title: 'a refusal part',
    line: chat(user, { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }),
  },
  {
    title: 'a part of an unknown type',
    line: chat(user, parts({ type: 'txt', text: 'a' }), assistant),
    errors: [`messages[1].content[0].type: is unknown; ${PARTS}`],
  },
  {
    title: 'a part without type',
    line: chat(parts({ text: 'a' }), assistant),
    errors: [`messages[0].content[0].type: is missing; ${PARTS}`],
  },
  {
    title: 'audio',
    line: chat(parts({ type: 'text', text: 'a' }, { type: 'input_audio', input_audio: {} }), assistant),
    errors: [`messages[0].content[1].type: is not supported in training data; ${PARTS}`],
  },
  {
    title: 'a part that is a string',
    line: chat(parts('a'), assistant),
    errors: ['messages[0].content[0]: is a string; expected an object, such as {"type": "text", "text": "Hi"}'],
  },
  {
    title: 'text without text',
    line: chat(parts({ type: 'text', content: 'a' }), assistant),
    errors: ['messages[0].content[0].text: is missing; expected a string'],
  },
  {
    title: 'image_url as a string',
    line: chat(parts({ type: 'image_url', image_url: 'https://example.com/a.png' }), assistant),
    errors: [
      'messages[0].content[0].image_url: is a string; expected an object with url, such as {"url": "https://example.com/a.png"}',
    ],
  },
  {
    title: 'image_url without url',
    line: chat(parts(image(null)), assistant),
    errors: ['messages[0].content[0].image_url.url: is null; expected a string'],
  },
  {
    title: 'an image of another kind',
    line: chat(parts(image('data:image/gif;base64,AA')), assistant),
    warnings: [`messages[0].content[0].image_url.url: ${NO_IMAGE}`],
  },
  {
    title: 'an image in a message of the assistant',
    line: chat(user, { role: 'assistant', content: [image()] }),
    errors: [
      'messages[1].content[0].type: is image_url in a message of another role; expected it only in messages of the role user',
    ],
  },
  {
    title: 'an image in messages of system and tool',
    line: chat(
      { role: 'system', content: [image()] },
      calls(call('a')),
      { ...answer('a'), content: [image()] },
      assistant,
    ),
    errors: [0, 2].map(
      (index) =>
        `messages[${index}].content[0].type: is image_url in a message of another role; expected it only in messages of the role user`,
    ),
  },
  {
    title: '10 images',
    line: chat(parts(...Array.from({ length: 10 }, () => image())), assistant),
  },
  {
    title: '64 images',
    line: chat(
      parts(...Array.from({ length: 32 }, () => image())),
      parts(...Array.from({ length: 32 }, () => image())),
      assistant,
    ),
    warnings: ['messages: has 64 images; expected at most 10 for OpenAI, 64 for Azure'],
  },
  {
    title: '65 images',
    line: chat(parts(...Array.from({ length: 65 }, () => image())), assistant),
    errors: ['messages: has 65 images; expected at most 64 in an example'],
  },
];

const preferenceCases: RuleCase[] = [
  {
    title: 'an output of several messages and a tool',
    line: preference([calls(call('a')), answer('a'), assistant]),
    warnings: [
      'preferred_output[1].role: is tool; expected assistant for OpenAI, Azure allows both',
      'preferred_output: has 3 messages; expected one for OpenAI, which trains on the last turn only',
    ],
  },
  {
    title: 'an output without a message of the assistant',
    line: preference([assistant], [{ ...answer('a') }], [user, calls(call('a'))]),
    errors: [
      `input.messages[1].tool_calls[0]: ${UNANSWERED}`,
      'non_preferred_output: has no message of the role assistant; expected at least one',
    ],
    warnings: ['non_preferred_output[0].role: is tool; expected assistant for OpenAI, Azure allows both'],
  },
  {
    title: 'a call of the input that no output answers',
    line: preference([assistant], [assistant], [user, calls(call('a'))]),
    errors: [`input.messages[1].tool_calls[0]: ${UNANSWERED}`],
  },
  {
    title: 'an image in the input',
    line: preference([assistant], [assistant], [parts(image())]),
    warnings: ['input.messages: has images; expected only text for OpenAI'],
  },
];

const reinforcementCases: RuleCase[] = [
  { title: 'a reference answer', line: { ...chat({ role: 'developer', content: 'a' }, user), reference_answer: 'x' } },
  { title: 'a reference of any name', line: { ...chat(user, assistant, user), tools: [], solution: { a: [1] } } },
  {
    title: 'a message of the role system',
    line: { ...chat({ role: 'system', content: 'a' }, user), reference_answer: 'x' },
    warnings: ['messages[0].role: is system; expected developer, because some servers reject system here'],
  },
  {
    title: 'a call without answer before the question',
    line: { ...chat(user, calls(call('a')), user), reference_answer: 'x' },
    errors: [`messages[1].tool_calls[0]: ${UNANSWERED}`],
  },
];

/** The formats of the cases, each as the first example of a file has it. */
export const RULE_CASES = {
  chat: [...textCases.filter(({ line }) => 'messages' in Object(line)), ...callCases, ...partCases],
  completion: textCases.filter(({ line }) => 'prompt' in Object(line)),
  preference: preferenceCases,
  reinforcement: reinforcementCases,
} as const;
