import { z } from 'zod';
import { compact, isObject, membersOf } from '../json/members.ts';
import { typeProblem } from '../json/problem.ts';
import type { GraderSample } from '../resources/grader-run.ts';
import {
  expected,
  findDepthIssues,
  findIssues,
  type Issue,
  modelName,
  nonEmptyText,
  oneOf,
  optional,
  problemOf,
  type RequestRules,
  text,
} from './validation.ts';

// Graders in wire spelling (docs/upstream.md: Objects). A multi grader has a map of names to graders, as in OpenAI's guide.

const OPERATIONS = ['eq', 'ne', 'like', 'ilike'];
const METRICS = [
  ...['cosine', 'fuzzy_match', 'bleu', 'gleu', 'meteor'],
  ...['rouge_1', 'rouge_2', 'rouge_3', 'rouge_4', 'rouge_5', 'rouge_l'],
];

const A_LIST = expected('a list');
const AN_OBJECT = expected('an object');
const A_NUMBER = expected('a number');
const commonMembers = <T extends string>(type: T) => ({ type: z.literal(type), name: nonEmptyText() });
const content = z.unknown().refine((value) => value != null, expected('a string or a list of content parts'));
const messages = z
  .array(z.object({ role: nonEmptyText(), content }, expected('an object with role and content')), A_LIST)
  .min(1, 'is empty; expected at least one message');
const range = z.tuple(
  [z.number(A_NUMBER), z.number(A_NUMBER)],
  expected('two numbers, such as [0, 1]', (value) =>
    Array.isArray(value) ? `has ${value.length} items` : problemOf(value),
  ),
);

function singleGraders(limits: RequestRules) {
  const choice = (...names: readonly string[]) => (limits === 'openai' ? oneOf(...names) : nonEmptyText());
  return [
    z.object({ ...commonMembers('string_check'), input: text(), reference: text(), operation: choice(...OPERATIONS) }),
    z.object({
      ...commonMembers('text_similarity'),
      input: text(),
      reference: text(),
      evaluation_metric: choice(...METRICS),
    }),
    z.object({ ...commonMembers('python'), source: nonEmptyText(), image_tag: optional(text()) }),
    z.object({
      ...commonMembers('score_model'),
      model: modelName(),
      input: messages,
      range: optional(range),
      sampling_params: optional(z.record(z.string(), z.unknown(), AN_OBJECT)),
    }),
  ] as const;
}

const labels = z.array(text(), A_LIST).min(1, 'is empty; expected at least one label');
const labelModel = z.object({
  ...commonMembers('label_model'),
  model: modelName(),
  input: messages,
  labels,
  passing_labels: labels,
});

const unknownType = (types: string) =>
  expected(`a grader of one of the types ${types}`, (value) =>
    isObject(value) ? problemOf(value['type']) : typeProblem(value),
  );
const TYPES = 'string_check, text_similarity, python, score_model';

function createGraderRequestSchema(limits: RequestRules) {
  const inMulti = z.discriminatedUnion(
    'type',
    [...singleGraders(limits), labelModel],
    unknownType(`${TYPES}, label_model`),
  );
  const multi = z.object({
    ...commonMembers('multi'),
    calculate_output: nonEmptyText(),
    graders: z
      .record(z.string(), inMulti, expected('an object of named graders'))
      .refine((graders) => Object.keys(graders).length > 0, 'is empty; expected at least one grader'),
  });
  return z.discriminatedUnion('type', [...singleGraders(limits), multi], unknownType(`${TYPES}, multi`));
}

/** The schemas of a grader in wire spelling. */
export const graderRequestSchemas: Record<RequestRules, z.ZodType> = {
  openai: createGraderRequestSchema('openai'),
  unknown: createGraderRequestSchema('unknown'),
};

/** Returns a valid grader without the members that are null. */
export function toGraderBody(grader: unknown): object {
  const { extra: _, graders, ...members } = membersOf(grader);
  if (graders == null) return compact(members);
  const named = Object.entries(membersOf(graders)).map(([name, part]) => [name, toGraderBody(part)]);
  return { ...compact(members), graders: Object.fromEntries(named) };
}

/** Validates a grader in wire spelling. Returns the body to send, or all issues. */
export function validateGrader(grader: unknown, limits: RequestRules): { body: unknown } | { issues: Issue[] } {
  const schemaIssues = findIssues(graderRequestSchemas[limits], grader, ['grader']);
  const issues = schemaIssues.length > 0 ? schemaIssues : findDepthIssues(grader, ['grader']);
  return issues.length > 0 ? { issues } : { body: toGraderBody(grader) };
}

const optionalItem = optional(z.record(z.string(), z.unknown(), AN_OBJECT));

/** Validates a grader and the sample to run it on, in wire spelling. Returns the body to send, or all issues. */
export function validateGraderSample(
  { grader, model_sample, item }: GraderSample,
  limits: RequestRules,
): { body: GraderSample } | { issues: Issue[] } {
  const validated = validateGrader(grader, limits);
  const issues = findIssues(optionalItem, item, ['item']);
  if ('issues' in validated) return { issues: [...validated.issues, ...issues] };
  return issues.length > 0
    ? { issues }
    : { body: { grader: validated.body, model_sample, ...(item != null && { item }) } };
}
