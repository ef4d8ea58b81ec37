import type { JobPlan } from '../simulation/job-plan.ts';
import { createRandom, type Random } from '../simulation/random.ts';

const PRODUCTS = ['kettle', 'desk lamp', 'bicycle', 'headset', 'backpack', 'blender', 'jacket', 'café chair'];
const COLORS = ['black', 'white', 'green', 'dark blue', 'crème'];
const CITIES = ['Zürich', 'Kraków', 'São Paulo', 'Lyon', 'Århus', '大阪', 'Leeds'];
const PROBLEMS = [
  'arrived with a scratch',
  'does not switch on',
  'came in the wrong colour',
  'misses a screw',
  'stopped working after a week',
];
const WISHES = ['I would like my money back.', 'Please send another one.', 'How can I return it?', 'What can I do?'];
const REPLIES = [
  'You can return it within 30 days; the label is in your account.',
  'Another one leaves our warehouse tomorrow.',
  'The money is on its way and will arrive in three days.',
  'Please hold the button for ten seconds, then try again.',
];
const CURT_REPLIES = ['That is not our fault.', 'No.', 'Ask somebody else.'];

/**
 * Yields the lines of a JSONL file, without line breaks, in the format of the job's method and model. `name` is the
 * seed. For a job that fails with an error of the file, the file has this error.
 */
export function* exampleLines(plan: JobPlan, name: string, count: number): Generator<string> {
  const random = createRandom(name, 'examples');
  const generate = plan.error?.code === 'invalid_training_file' ? wrongFormat : generatorOf(plan);
  for (let number = 1; number <= count; number += 1) {
    const line = JSON.stringify(generate(random));
    const isInvalid = plan.error?.code === 'invalid_file_format' && number === INVALID_EXAMPLE;
    yield isInvalid ? line.replace(/\."/, '. <|fim_suffix|>"') : line;
  }
}

/** The number in the error message. */
const INVALID_EXAMPLE = 17;

function generatorOf({ method, model }: JobPlan): (random: Random) => object {
  if (method.type === 'dpo') return preference;
  if (method.type === 'supervised') return model.startsWith('babbage') ? completion : conversation;
  const text = JSON.stringify(method.grader);
  const fields = new Set([...text.matchAll(/item(?:\.|\[\\")(\w+)/g)].map(([, field = '']) => field));
  return (random) => ({
    messages: [{ role: 'user', content: complaint(random) }],
    ...Object.fromEntries([...fields].map((field) => [field, referenceFor(field, random)])),
  });
}

function complaint(random: Random): string {
  const [product, city] = [random.pick(PRODUCTS), random.pick(CITIES)];
  return `Order ${random.int(10_000, 99_999)}: the ${product} that you sent to ${city} ${random.pick(PROBLEMS)}. ${random.pick(WISHES)}`;
}

function conversation(random: Random) {
  return {
    messages: [
      { role: 'system', content: 'You answer customers in one friendly sentence.' },
      { role: 'user', content: complaint(random) },
      { role: 'assistant', content: `Sorry to hear that. ${random.pick(REPLIES)}` },
    ],
  };
}

function preference(random: Random) {
  return {
    input: { messages: [{ role: 'user', content: complaint(random) }] },
    preferred_output: [{ role: 'assistant', content: `Sorry to hear that. ${random.pick(REPLIES)}` }],
    non_preferred_output: [{ role: 'assistant', content: random.pick(CURT_REPLIES) }],
  };
}

function completion(random: Random) {
  const [product, color] = [random.pick(PRODUCTS), random.pick(COLORS)];
  return { prompt: `${product}, ${color} ->`, completion: ` A ${color} ${product}, no. ${random.int(100, 999)}.` };
}

/** A reference value for the grader. */
function referenceFor(field: string, random: Random): string {
  switch (field) {
    case 'code':
      return `${random.pick(['A', 'J', 'M', 'R'])}${random.int(10, 99)}.${random.int(0, 9)}`;
    case 'table':
      return random.pick(['orders', 'customers', 'invoices']);
    default:
      return random.pick(REPLIES);
  }
}

const wrongFormat = (random: Random) => ({ question: complaint(random), answer: random.pick(REPLIES) });
