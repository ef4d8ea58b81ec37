import { createRandom } from '../simulation/random.ts';
import { evaluate, FormulaError } from './formula.ts';
import { type Grader, type MultiGrader, type OPERATIONS, readParts } from './grader-schema.ts';
import { similarity } from './similarity.ts';
import { type Namespaces, renderTemplate } from './template.ts';

/** The result of a grader for a model sample. */
export interface Grade {
  readonly reward: number;
  /** Names of errors that occurred, as in the response (docs/upstream.md: Objects). */
  readonly errors: readonly ('formula_parse_error' | 'invalid_variable_error')[];
  /** Rewards of the parts of a multi grader, by name. */
  readonly subRewards: Readonly<Record<string, number>>;
  /** Tokens by model, for graders that call models. */
  readonly tokens: Readonly<Record<string, number>>;
}

const rewardOnly = (reward: number): Grade => ({ reward, errors: [], subRewards: {}, tokens: {} });
const INVALID_VARIABLE: Grade = { ...rewardOnly(0), errors: ['invalid_variable_error'] };

/**
 * Grades a sample with a valid grader. Text comparisons and formulas are computed. Results of Python and of models are
 * generated: equal for equal grader, sample and item.
 */
export function gradeSample(grader: Grader, namespaces: Namespaces): Grade {
  switch (grader.type) {
    case 'string_check':
      return compareTexts(grader, namespaces, (input, reference) =>
        check(grader.operation, input, reference) ? 1 : 0,
      );
    case 'text_similarity':
      return compareTexts(grader, namespaces, (input, reference) =>
        similarity(grader.evaluation_metric, input, reference),
      );
    case 'multi':
      return combineParts(grader, namespaces);
    default:
      return generateGrade(grader, namespaces);
  }
}

interface Comparison {
  readonly input: string;
  readonly reference: string;
}

function compareTexts(
  grader: Comparison,
  namespaces: Namespaces,
  rewardOf: (input: string, reference: string) => number,
): Grade {
  const input = renderTemplate(grader.input, namespaces);
  const reference = renderTemplate(grader.reference, namespaces);
  return input === null || reference === null ? INVALID_VARIABLE : rewardOnly(rewardOf(input, reference));
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

function combineParts(grader: MultiGrader, namespaces: Namespaces): Grade {
  const grades = readParts(grader).map(([name, part]) => ({ name, grade: gradeSample(part, namespaces) }));
  const subRewards = Object.fromEntries(grades.map(({ name, grade }) => [name, grade.reward]));
  const errors = [...new Set(grades.flatMap(({ grade }) => grade.errors))];
  const tokens: Record<string, number> = {};
  for (const { grade } of grades)
    for (const [model, count] of Object.entries(grade.tokens)) tokens[model] = (tokens[model] ?? 0) + count;
  try {
    return { reward: evaluate(grader.calculate_output, subRewards), errors, subRewards, tokens };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return { reward: 0, errors: [...errors, 'formula_parse_error'], subRewards, tokens };
  }
}

/** Python has the reward 0 or 1, a score model one in its range, a label model 0 or 1. */
function generateGrade(grader: Exclude<Grader, MultiGrader | Comparison>, namespaces: Namespaces): Grade {
  const random = createRandom(JSON.stringify([grader, namespaces]));
  if (grader.type === 'python') return rewardOnly(random.int(0, 1));
  const [min, max] = (grader.type === 'score_model' && grader.range) || [0, 1];
  const isLabel = grader.type === 'label_model';
  const reward = isLabel ? random.int(0, 1) : Math.round(random.between(Number(min), Number(max)) * 100) / 100;
  return { ...rewardOnly(reward), tokens: { [grader.model]: random.int(100, 900) } };
}
