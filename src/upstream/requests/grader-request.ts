import { z } from 'zod';
import { compact, membersOf } from '../json/members.ts';
import type { GraderSample } from '../resources/grader-run.ts';
import {
  findDepthIssues,
  findIssues,
  type Issue,
  nameText,
  nonEmptyText,
  oneOf,
  optional,
  type RequestRules,
  text,
} from './validation.ts';

// Graders as they are sent (docs/upstream.md: Objects): of several, a map of names to graders, as OpenAI's guide has it.

const OPERATIONS = ['eq', 'ne', 'like', 'ilike'];
const METRICS = [
  ...['cosine', 'fuzzy_match', 'bleu', 'gleu', 'meteor'],
  ...['rouge_1', 'rouge_2', 'rouge_3', 'rouge_4', 'rouge_5', 'rouge_l'],
];

const A_LIST = 'expected a list';
const member = <T extends string>(type: T) => ({ type: z.literal(type), name: nonEmptyText() });
const messages = z
  .array(
    z.object({ role: nonEmptyText(), content: z.unknown().refine((content) => content != null, 'expected a content') }),
    A_LIST,
  )
  .min(1, 'expected at least one message');

function singles(limits: RequestRules) {
  const choice = (...names: readonly string[]) => (limits === 'openai' ? oneOf(...names) : nonEmptyText());
  return [
    z.object({ ...member('string_check'), input: text(), reference: text(), operation: choice(...OPERATIONS) }),
    z.object({ ...member('text_similarity'), input: text(), reference: text(), evaluation_metric: choice(...METRICS) }),
    z.object({ ...member('python'), source: nonEmptyText(), image_tag: optional(text()) }),
    z.object({
      ...member('score_model'),
      model: nameText(),
      input: messages,
      range: optional(z.tuple([z.number(), z.number()], 'expected two numbers')),
      sampling_params: optional(z.record(z.string(), z.unknown(), 'expected an object')),
    }),
  ] as const;
}

const texts = z.array(text(), A_LIST).min(1, 'expected at least one text');
const labelModel = z.object({
  ...member('label_model'),
  model: nameText(),
  input: messages,
  labels: texts,
  passing_labels: texts,
});

const unknownType = (names: string) => ({ error: `expected a grader of a type among ${names}` });
const NAMES = 'string_check, text_similarity, python, score_model';

function createGraderRequestSchema(limits: RequestRules) {
  const inMulti = z.discriminatedUnion('type', [...singles(limits), labelModel], unknownType(`${NAMES}, label_model`));
  const multi = z.object({
    ...member('multi'),
    calculate_output: nonEmptyText(),
    graders: z
      .record(z.string(), inMulti, 'expected an object of named graders')
      .refine((graders) => Object.keys(graders).length > 0, 'expected at least one grader'),
  });
  return z.discriminatedUnion('type', [...singles(limits), multi], unknownType(`${NAMES}, multi`));
}

/** A grader as it is sent. */
export const graderRequestSchemas: Record<RequestRules, z.ZodType> = {
  openai: createGraderRequestSchema('openai'),
  unknown: createGraderRequestSchema('unknown'),
};

/** A grader that was checked, without what is null in it. */
export function toGraderBody(draft: unknown): object {
  const { extra: _, graders, ...members } = membersOf(draft);
  if (graders == null) return compact(members);
  const named = Object.entries(membersOf(graders)).map(([name, grader]) => [name, toGraderBody(grader)]);
  return { ...compact(members), graders: Object.fromEntries(named) };
}

/** Checks a grader in wire spelling: gives it as it is sent, or all that is wrong with it. */
export function validateGrader(draft: unknown, limits: RequestRules): { body: unknown } | { issues: Issue[] } {
  const wrong = findIssues(graderRequestSchemas[limits], draft, ['grader']);
  const issues = wrong.length > 0 ? wrong : findDepthIssues(draft, ['grader']);
  return issues.length > 0 ? { issues } : { body: toGraderBody(draft) };
}

const anItem = optional(z.record(z.string(), z.unknown(), 'expected an object'));

/** Checks what a grader is to be run on, in wire spelling: gives it as it is sent, or all that is wrong with it. */
export function validateGraderSample(
  { grader, model_sample, item }: GraderSample,
  limits: RequestRules,
): { body: GraderSample } | { issues: Issue[] } {
  const checked = validateGrader(grader, limits);
  const issues = findIssues(anItem, item, ['item']);
  if ('issues' in checked) return { issues: [...checked.issues, ...issues] };
  return issues.length > 0
    ? { issues }
    : { body: { grader: checked.body, model_sample, ...(item != null && { item }) } };
}
