import { z } from 'zod';
import { isWithinDepth } from '../json/depth.ts';
import { firstMembers, isObject, type Members } from '../json/members.ts';
import { firstItems, number, orNull, textOrNull } from './lenient-schema.ts';

/** Maximum items of each list in a grader. */
const MAX_ITEMS = 1000;

const message = z.object({ role: z.string(), content: z.unknown() });

const stringCheck = z.object({
  type: z.literal('string_check'),
  name: z.string(),
  input: z.string(),
  reference: z.string(),
  operation: z.string(),
});
const textSimilarity = z.object({
  type: z.literal('text_similarity'),
  name: z.string(),
  input: z.string(),
  reference: z.string(),
  evaluation_metric: z.string(),
});
const python = z.object({
  type: z.literal('python'),
  name: z.string(),
  source: z.string(),
  image_tag: orNull(z.string().transform((tag) => tag || null)),
});
const scoreModel = z.object({
  type: z.literal('score_model'),
  name: z.string(),
  model: z.string(),
  input: firstItems(message, MAX_ITEMS),
  range: orNull(firstItems(number, MAX_ITEMS)),
  sampling_params: orNull(z.custom<Members>(isObject)),
});
const labelModel = z.object({
  type: z.literal('label_model'),
  name: z.string(),
  model: z.string(),
  input: firstItems(message, MAX_ITEMS),
  labels: firstItems(z.string(), MAX_ITEMS),
  passing_labels: firstItems(z.string(), MAX_ITEMS),
});
const multi = z.object({
  type: z.literal('multi'),
  name: z.string(),
  calculate_output: z.string(),
  graders: z.unknown().transform(readNamedGraders),
});

const named = z.object({ type: z.string().catch(''), name: textOrNull }).catch({ type: '', name: null });
const known = z.discriminatedUnion('type', [stringCheck, textSimilarity, python, scoreModel, labelModel, multi]);

export type StringCheckGrader = z.output<typeof stringCheck>;
export type TextSimilarityGrader = z.output<typeof textSimilarity>;
export type PythonGrader = z.output<typeof python>;
export type ScoreModelGrader = z.output<typeof scoreModel>;
export type LabelModelGrader = z.output<typeof labelModel>;
export interface NamedGrader {
  name: string;
  grader: Grader;
}
export interface MultiGrader {
  type: 'multi';
  name: string;
  calculate_output: string;
  graders: NamedGrader[];
}
/** A grader of an unknown type, or one that lacks a required member. */
export interface UnknownGrader {
  type: 'unknown';
  rawType: string;
  name: string | null;
}
export type Grader =
  | StringCheckGrader
  | TextSimilarityGrader
  | PythonGrader
  | ScoreModelGrader
  | LabelModelGrader
  | MultiGrader
  | UnknownGrader;

/** Accepts any JSON: an invalid grader becomes an `UnknownGrader`, never an error. */
export const graderSchema = z.unknown().transform((body) => readGrader(isWithinDepth(body) ? body : null));

function readGrader(body: unknown): Grader {
  const { success, data } = known.safeParse(body);
  if (success) return data;
  const { type, name } = named.parse(body);
  return { type: 'unknown', rawType: type, name };
}

// The API specification defines `graders` as one grader; its example shows a list, the guide and real requests a map
// (docs/upstream.md: Objects).
const MAX_GRADERS = 100;

function readNamedGraders(body: unknown): NamedGrader[] {
  if (Array.isArray(body))
    return body
      .slice(0, MAX_GRADERS)
      .map(readGrader)
      .map((grader) => ({ name: grader.name ?? '', grader }));
  if (!isObject(body)) return [];
  if (typeof body['type'] === 'string') return readNamedGraders([body]);
  const graders = Object.entries(firstMembers(body, MAX_GRADERS));
  return graders.map(([name, grader]) => ({ name, grader: readGrader(grader) }));
}
