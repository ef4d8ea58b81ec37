import { builder } from '../core/builder.ts';
import { metric, operation } from './grader.ts';

// Graders as clients give them; what they are on the wire is in grader-draft.ts.

const TEMPLATE = 'with template variables such as';

const GraderMessageInput = builder.inputType('GraderMessageInput', {
  description: 'One message of the prompt that a model grader asks with.',
  fields: (t) => ({
    role: t.string({ required: true, description: 'Who speaks: user, assistant, system or developer.' }),
    content: t.field({
      type: 'JSON',
      required: true,
      description: `Text ${TEMPLATE} \`{{sample.output_text}}\`, or a content object, or a list of them, as the upstream has it.`,
    }),
  }),
});

const StringCheckGraderInput = builder.inputType('StringCheckGraderInput', {
  description: 'Passes when two strings compare as `operation` says.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The grader's name." }),
    input: t.string({
      required: true,
      description: `The text to judge, ${TEMPLATE} \`{{sample.output_text}}\`.`,
    }),
    reference: t.string({
      required: true,
      description: `What \`input\` is compared with, ${TEMPLATE} \`{{item.answer}}\`.`,
    }),
    operation: t.field({ type: operation.type, required: true, description: 'How the two are compared.' }),
  }),
});

const TextSimilarityGraderInput = builder.inputType('TextSimilarityGraderInput', {
  description: 'Scores how alike two texts are.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The grader's name." }),
    input: t.string({
      required: true,
      description: `The text to judge, ${TEMPLATE} \`{{sample.output_text}}\`.`,
    }),
    reference: t.string({
      required: true,
      description: `What \`input\` is compared with, ${TEMPLATE} \`{{item.answer}}\`.`,
    }),
    evaluationMetric: t.field({ type: metric.type, required: true, description: 'How likeness is measured.' }),
  }),
});

const PythonGraderInput = builder.inputType('PythonGraderInput', {
  description: 'Runs a Python function on the output.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The grader's name." }),
    source: t.string({
      required: true,
      description: 'The source text of the script, with a function `grade(sample, item)` that gives a number.',
    }),
    imageTag: t.string({ description: 'The image it runs in; left out, the default.' }),
  }),
});

const ScoreModelGraderInput = builder.inputType('ScoreModelGraderInput', {
  description: 'Asks a model for a score.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The grader's name." }),
    modelId: t.id({ required: true, description: 'The model that is asked.' }),
    messages: t.field({
      type: [GraderMessageInput],
      required: true,
      description: 'The prompt, `input` in the REST API; at least one message.',
    }),
    range: t.floatList({ description: 'Lowest and highest score; left out, 0 and 1.' }),
    samplingParams: t.field({
      type: 'JSON',
      description: 'Sampling parameters as the upstream has them, an object; left out, its defaults.',
    }),
  }),
});

const LabelModelGraderInput = builder.inputType('LabelModelGraderInput', {
  description: 'Asks a model to choose a label.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The grader's name." }),
    modelId: t.id({ required: true, description: 'The model that is asked.' }),
    messages: t.field({
      type: [GraderMessageInput],
      required: true,
      description: 'The prompt, `input` in the REST API; at least one message.',
    }),
    labels: t.stringList({ required: true, description: 'The labels it can choose from; at least one.' }),
    passingLabels: t.stringList({ required: true, description: 'The labels that pass; at least one.' }),
  }),
});

const MemberGraderInput = builder.inputType('MemberGraderInput', {
  isOneOf: true,
  description: 'A grader inside of another: exactly one of its kinds.',
  fields: (t) => ({
    stringCheck: t.field({ type: StringCheckGraderInput, description: 'Compares two strings.' }),
    textSimilarity: t.field({ type: TextSimilarityGraderInput, description: 'Measures how alike two texts are.' }),
    python: t.field({ type: PythonGraderInput, description: 'Runs a Python function.' }),
    scoreModel: t.field({ type: ScoreModelGraderInput, description: 'Asks a model for a score.' }),
    labelModel: t.field({ type: LabelModelGraderInput, description: 'Asks a model for one of several labels.' }),
  }),
});

const NamedGraderInput = builder.inputType('NamedGraderInput', {
  description: 'A grader inside of another, under the name that its formula uses.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The name in the formula; each once.' }),
    grader: t.field({ type: MemberGraderInput, required: true, description: 'The grader.' }),
  }),
});

const MultiGraderInput = builder.inputType('MultiGraderInput', {
  description: 'Combines the scores of other graders.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The grader's name." }),
    calculateOutput: t.string({ required: true, description: 'The formula over the names of the graders.' }),
    graders: t.field({
      type: [NamedGraderInput],
      required: true,
      description: 'The graders it combines; at least one.',
    }),
  }),
});

export const GraderInput = builder.inputType('GraderInput', {
  isOneOf: true,
  description: "What judges a model's output: exactly one of its kinds.",
  fields: (t) => ({
    stringCheck: t.field({ type: StringCheckGraderInput, description: 'Compares two strings.' }),
    textSimilarity: t.field({ type: TextSimilarityGraderInput, description: 'Measures how alike two texts are.' }),
    python: t.field({ type: PythonGraderInput, description: 'Runs a Python function.' }),
    scoreModel: t.field({ type: ScoreModelGraderInput, description: 'Asks a model for a score.' }),
    multi: t.field({ type: MultiGraderInput, description: 'Combines the scores of other graders.' }),
  }),
});

export type GraderGiven = typeof GraderInput.$inferInput;
export type MemberGraderGiven = typeof MemberGraderInput.$inferInput;
export type MultiGraderGiven = typeof MultiGraderInput.$inferInput;
