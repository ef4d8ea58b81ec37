import { z } from 'zod';
import type { Members } from '../../upstream/json/members.ts';
import { anyList, jsonObject, parse } from '../api/request-schema.ts';
import { METRICS } from './similarity.ts';

export const OPERATIONS = ['eq', 'ne', 'like', 'ilike'] as const;

const text = z.string();
const comparison = { name: text, input: text, reference: text };
const modelCall = { name: text, model: text, input: anyList };
const isPair = (range: readonly unknown[]) => range.length === 2 && range.every((limit) => typeof limit === 'number');

// The required members of each type (docs/upstream.md: Objects), in the order in which issues are reported.
const stringCheck = z.looseObject({ type: z.literal('string_check'), ...comparison, operation: z.enum(OPERATIONS) });
const textSimilarity = z.looseObject({
  type: z.literal('text_similarity'),
  ...comparison,
  evaluation_metric: z.enum(METRICS),
});
const python = z.looseObject({ type: z.literal('python'), name: text, source: text });
const scoreModel = z.looseObject({
  type: z.literal('score_model'),
  ...modelCall,
  range: anyList.refine(isPair, { params: { expected: 'a list of two numbers' } }).nullish(),
});
const labelModel = z.looseObject({
  type: z.literal('label_model'),
  ...modelCall,
  labels: anyList,
  passing_labels: anyList,
});
const multi = z.looseObject({ type: z.literal('multi'), name: text, calculate_output: text });

/** A label model has no reward, so it is valid only as a part of a multi grader. A part is not a multi grader. */
const graderSchema = z.discriminatedUnion('type', [stringCheck, textSimilarity, python, scoreModel, multi]);
const partSchema = z.discriminatedUnion('type', [stringCheck, textSimilarity, python, scoreModel, labelModel]);

type Part = z.output<typeof partSchema>;
export type MultiGrader = z.output<typeof multi>;
export type Grader = z.output<typeof graderSchema> | Part;

/** Returns a valid grader as it was sent. Throws ApiError with the path of the invalid member. */
export function readGrader(value: unknown, path: string): Grader {
  const grader = validated(graderSchema, value, path);
  if (grader.type === 'multi') readParts(grader, `${path}.graders`);
  return grader;
}

/** Returns the graders of a multi grader by name. Throws ApiError with the path of the invalid member. */
export function readParts(grader: MultiGrader, path = 'graders'): readonly (readonly [string, Part])[] {
  const parts = namedParts(grader['graders'], path);
  return parts.map(([name, part]) => [name, validated(partSchema, part, `${path}.${name}`)]);
}

/** Servers accept a map by name, a single grader as in the schema, and a list. */
function namedParts(graders: unknown, path: string): [name: string, part: Members][] {
  if (Array.isArray(graders)) return graders.map((part, index) => nameOf(parse(jsonObject, part, path), index));
  const map = parse(jsonObject, graders, path);
  if ('type' in map) return [nameOf(map, 0)];
  return Object.entries(map).map(([name, part]) => [name, parse(jsonObject, part, `${path}.${name}`)]);
}

const nameOf = (part: Members, index: number): [string, Members] => [String(part['name'] ?? index), part];

// The schemas do not transform, so the value has the output type. The output itself has another order of members.
function validated<T extends Grader>(schema: z.ZodType<T>, value: unknown, path: string): T {
  parse(schema, value, path);
  return value as T;
}
