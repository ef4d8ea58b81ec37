import { createRandom } from '../simulation/random.ts';
import { evaluate, FormulaError } from './formula.ts';
import { type Grader, type MultiGrader, type OPERATIONS, readParts } from './grader-schema.ts';
import { similarity } from './similarity.ts';
import { fill, type Namespaces } from './template.ts';

/** What a grader makes of an answer. */
export interface Grade {
  readonly reward: number;
  /** The names of the errors of docs/upstream.md that have happened. */
  readonly errors: readonly ('formula_parse_error' | 'invalid_variable_error')[];
  /** By name, of a multi grader. */
  readonly parts: Readonly<Record<string, number>>;
  /** Tokens by model, where models were asked. */
  readonly tokens: Readonly<Record<string, number>>;
}

const plain = (reward: number): Grade => ({ reward, errors: [], parts: {}, tokens: {} });
const INVALID_VARIABLE: Grade = { ...plain(0), errors: ['invalid_variable_error'] };

/**
 * Grades an answer with a grader that was checked. Texts are really compared, and formulas worked out; what would need
 * Python or a model is made up, and always the same for the same grader, answer and item.
 */
export function gradeOf(grader: Grader, namespaces: Namespaces): Grade {
  switch (grader.type) {
    case 'string_check':
      return compared(grader, namespaces, (input, reference) => (check(grader.operation, input, reference) ? 1 : 0));
    case 'text_similarity':
      return compared(grader, namespaces, (input, reference) => similarity(grader.evaluation_metric, input, reference));
    case 'multi':
      return combined(grader, namespaces);
    default:
      return madeUp(grader, namespaces);
  }
}

interface Comparison {
  readonly input: string;
  readonly reference: string;
}

function compared(
  grader: Comparison,
  namespaces: Namespaces,
  rate: (input: string, reference: string) => number,
): Grade {
  const input = fill(grader.input, namespaces);
  const reference = fill(grader.reference, namespaces);
  return input === null || reference === null ? INVALID_VARIABLE : plain(rate(input, reference));
}

function check(operation: (typeof OPERATIONS)[number], input: string, reference: string): boolean {
  switch (operation) {
    case 'eq':
      return input === reference;
    case 'ne':
      return input !== reference;
    case 'like':
      return input.includes(reference);
    case 'ilike':
      return input.toLowerCase().includes(reference.toLowerCase());
  }
}

function combined(grader: MultiGrader, namespaces: Namespaces): Grade {
  const grades = readParts(grader).map(([name, part]) => ({ name, grade: gradeOf(part, namespaces) }));
  const parts = Object.fromEntries(grades.map(({ name, grade }) => [name, grade.reward]));
  const errors = [...new Set(grades.flatMap(({ grade }) => grade.errors))];
  const tokens: Record<string, number> = {};
  for (const { grade } of grades)
    for (const [model, count] of Object.entries(grade.tokens)) tokens[model] = (tokens[model] ?? 0) + count;
  try {
    return { reward: evaluate(grader.calculate_output, parts), errors, parts, tokens };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return { reward: 0, errors: [...errors, 'formula_parse_error'], parts, tokens };
  }
}

/** Python answers 0 or 1, a model within its range, a label passes or not. */
function madeUp(grader: Exclude<Grader, MultiGrader | Comparison>, namespaces: Namespaces): Grade {
  const random = createRandom(JSON.stringify([grader, namespaces]));
  if (grader.type === 'python') return plain(random.int(0, 1));
  const [min, max] = (grader.type === 'score_model' && grader.range) || [0, 1];
  const isLabel = grader.type === 'label_model';
  const reward = isLabel ? random.int(0, 1) : Math.round(random.between(Number(min), Number(max)) * 100) / 100;
  return { ...plain(reward), tokens: { [grader.model]: random.int(100, 900) } };
}
