import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';

// Training files from a stock of texts, whose tokens are counted once: so the exact count of a large file is a sum.

const COUNT = { o200k_base: o200k, cl100k_base: cl100k };

/** Texts of different scripts, lengths and densities of tokens. */
const STOCK = [
  'Yes.',
  'I would like to change the delivery address of my last order, please. '.repeat(3),
  'function add(a, b) { return a + b; } // {"sum": [1, 2, 3.14159]}\n'.repeat(8),
  '機械学習のモデルは、データから規則を学びます。'.repeat(20),
  'Где находится ближайшая аптека, и до скольки она работает сегодня? '.repeat(10),
  'كيف يمكنني تغيير كلمة المرور الخاصة بي؟ '.repeat(12),
  '🎉👩‍👩‍👧 ok 🙂 '.repeat(30),
  'The quick brown fox jumps over the lazy dog near the river bank. '.repeat(700),
];
/** A short text is 2,000 times as frequent as one of 45,000 characters. */
const WEIGHTS = [2000, 800, 200, 100, 100, 100, 60, 1];

const counts = new Map<string, number>();

/** The exact tokens of a text. */
function tokensOf(text: string, tokenizer: keyof typeof COUNT): number {
  const key = `${tokenizer} ${text}`;
  const known = counts.get(key) ?? COUNT[tokenizer](text);
  counts.set(key, known);
  return known;
}

/** A generator of texts: in the second half of a file another one is the most frequent. */
function createDraw(): (progress: number) => string {
  let state = 1;
  const sum = WEIGHTS.reduce((total, weight) => total + weight, 0);
  return (progress) => {
    state = (48_271 * state) % 2_147_483_647;
    let left = (state / 2_147_483_647) * sum;
    const index = WEIGHTS.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return STOCK[(progress < 0.5 ? index : (index + 3) % 7) % STOCK.length] ?? '';
  };
}

export type CorpusFormat = 'chat' | 'completion' | 'preference' | 'reinforcement';

/** A training file of at least this size, and its tokens as OpenAI's cookbook counts them. */
export function trainingCorpus(format: CorpusFormat, minBytes: number) {
  const tokenizer = format === 'completion' ? 'cl100k_base' : 'o200k_base';
  const draw = createDraw();
  const lines: string[] = [];
  let bytes = 0;
  let tokens = 0;
  let texts: string[] = [];
  const text = () => {
    const drawn = draw(bytes / minBytes);
    texts.push(drawn);
    return drawn;
  };
  const message = (role: string) => {
    tokens += 3 + 1; // The markup of a message, and its role.
    return { role, content: text() };
  };
  const conversation = (...roles: string[]) => {
    tokens += 3; // The beginning of the reply.
    return roles.map(message);
  };
  const example = {
    chat: () => ({ messages: conversation('system', 'user', 'assistant') }),
    completion: () => ({ prompt: text(), completion: text() }),
    preference: () => ({
      input: { messages: conversation('user') },
      preferred_output: [message('assistant')],
      non_preferred_output: [message('assistant')],
    }),
    reinforcement: () => ({ messages: conversation('developer', 'user'), reference_answer: 'not trained on' }),
  }[format];
  while (bytes < minBytes) {
    texts = [];
    const line = `${JSON.stringify({ ...example() })}\n`;
    tokens += texts.reduce((sum, drawn) => sum + tokensOf(drawn, tokenizer), 0);
    bytes += Buffer.byteLength(line);
    lines.push(line);
  }
  return { content: lines.join(''), tokens, tokenizer: tokenizer.toUpperCase() };
}
