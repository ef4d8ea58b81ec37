import { isObject } from '../../upstream/json/members.ts';
import { type Input, readChoice, readList, readObject, readText } from '../api/input-reader.ts';
import { invalidType, missing } from '../api/validation-error.ts';
import { METRICS } from './similarity.ts';

const TYPES = ['string_check', 'text_similarity', 'python', 'score_model', 'label_model', 'multi'] as const;
export const OPERATIONS = ['eq', 'ne', 'like', 'ilike'] as const;

/** A grader that has all that its type needs (docs/upstream.md: Objects). Throws a Refusal that names what it lacks by its path. */
export function checkGrader(value: unknown, path: string, isPart = false): Input {
  const grader = readObject(value, path);
  // A label is no reward: only as a part of others can such a grader be used.
  const type = readChoice(
    grader['type'],
    `${path}.type`,
    TYPES.filter((known) => known !== (isPart ? 'multi' : 'label_model')),
  );
  readText(grader['name'], `${path}.name`);
  const text = (name: string) => readText(grader[name], `${path}.${name}`);
  switch (type) {
    case 'string_check':
      text('input');
      text('reference');
      readChoice(grader['operation'], `${path}.operation`, OPERATIONS);
      break;
    case 'text_similarity':
      text('input');
      text('reference');
      readChoice(grader['evaluation_metric'], `${path}.evaluation_metric`, METRICS);
      break;
    case 'python':
      text('source');
      break;
    case 'score_model':
    case 'label_model':
      text('model');
      readList(grader['input'], `${path}.input`);
      if (type === 'score_model') checkRange(grader['range'], `${path}.range`);
      else for (const name of ['labels', 'passing_labels']) readList(grader[name], `${path}.${name}`);
      break;
    case 'multi':
      text('calculate_output');
      for (const [name, part] of partsOf(grader, `${path}.graders`)) checkGrader(part, `${path}.graders.${name}`, true);
  }
  return grader;
}

function checkRange(value: unknown, path: string): void {
  if (value === undefined || value === null) return;
  const range = readList(value, path);
  if (range.length !== 2 || !range.every((limit) => typeof limit === 'number'))
    throw invalidType(path, 'a list of two numbers', value);
}

/** The graders of a multi grader by name: a map, or as the document has it a list, or a single one. */
export function partsOf({ graders }: Input, path: string): readonly (readonly [string, Input])[] {
  if (graders === undefined) throw missing(path);
  const list = Array.isArray(graders) ? graders : isObject(graders) && 'type' in graders ? [graders] : null;
  if (list) return list.map((part, index) => [String(Object(part)['name'] ?? index), readObject(part, path)]);
  return Object.entries(readObject(graders, path)).map(([name, part]) => [name, readObject(part, `${path}.${name}`)]);
}
