import type { InputFieldBuilder } from '@pothos/core';
import { builder, type Types } from '../core/builder.ts';
import { metric, operation } from './grader.ts';
import { DESCRIPTIONS } from './grader-descriptions.ts';

// The graders of inputs. grader-encoder.ts converts them to the form of the REST API.

type Fields = InputFieldBuilder<Types, 'InputObject'>;

const nameField = (t: Fields) => t.string({ required: true, description: DESCRIPTIONS.name });

const GraderMessageInput = builder.inputType('GraderMessageInput', {
  description: DESCRIPTIONS.message,
  fields: (t) => ({
    role: t.string({ required: true, description: DESCRIPTIONS.role }),
    content: t.field({ type: 'JSON', required: true, description: DESCRIPTIONS.content }),
  }),
});

/** The fields of a grader that compares two texts. */
const comparedTexts = (t: Fields) => ({
  name: nameField(t),
  input: t.string({ required: true, description: DESCRIPTIONS.input }),
  reference: t.string({ required: true, description: DESCRIPTIONS.reference }),
});

/** The fields of a grader that prompts a model. */
const prompt = (t: Fields) => ({
  name: nameField(t),
  modelId: t.id({ required: true, description: DESCRIPTIONS.modelId }),
  messages: t.field({
    type: [GraderMessageInput],
    required: true,
    description: `${DESCRIPTIONS.messages} At least one.`,
  }),
});

const StringCheckGraderInput = builder.inputType('StringCheckGraderInput', {
  description: DESCRIPTIONS.stringCheck,
  fields: (t) => ({
    ...comparedTexts(t),
    operation: t.field({
      type: operation.type,
      required: true,
      description: `${DESCRIPTIONS.operation} UNKNOWN is not accepted.`,
    }),
  }),
});

const TextSimilarityGraderInput = builder.inputType('TextSimilarityGraderInput', {
  description: DESCRIPTIONS.textSimilarity,
  fields: (t) => ({
    ...comparedTexts(t),
    evaluationMetric: t.field({
      type: metric.type,
      required: true,
      description: `${DESCRIPTIONS.evaluationMetric} UNKNOWN is not accepted.`,
    }),
  }),
});

const PythonGraderInput = builder.inputType('PythonGraderInput', {
  description: DESCRIPTIONS.python,
  fields: (t) => ({
    name: nameField(t),
    source: t.string({ required: true, description: DESCRIPTIONS.source }),
    imageTag: t.string({ description: `${DESCRIPTIONS.imageTag} By default, and when null, the default image.` }),
  }),
});

const ScoreModelGraderInput = builder.inputType('ScoreModelGraderInput', {
  description: DESCRIPTIONS.scoreModel,
  fields: (t) => ({
    ...prompt(t),
    range: t.floatList({ description: `${DESCRIPTIONS.range} By default, and when null, 0 to 1.` }),
    samplingParams: t.field({
      type: 'JSON',
      description: `${DESCRIPTIONS.samplingParams} By default, and when null, the defaults of the upstream.`,
    }),
  }),
});

const LabelModelGraderInput = builder.inputType('LabelModelGraderInput', {
  description: DESCRIPTIONS.labelModel,
  fields: (t) => ({
    ...prompt(t),
    labels: t.stringList({ required: true, description: `${DESCRIPTIONS.labels} At least one.` }),
    passingLabels: t.stringList({
      required: true,
      description: `${DESCRIPTIONS.passingLabels} At least one, and each of them is one of \`labels\`.`,
    }),
  }),
});

/** The types of graders that can stand alone and in a multi grader. */
const commonTypes = (t: Fields) => ({
  stringCheck: t.field({ type: StringCheckGraderInput, description: DESCRIPTIONS.stringCheck }),
  textSimilarity: t.field({ type: TextSimilarityGraderInput, description: DESCRIPTIONS.textSimilarity }),
  python: t.field({ type: PythonGraderInput, description: DESCRIPTIONS.python }),
  scoreModel: t.field({ type: ScoreModelGraderInput, description: DESCRIPTIONS.scoreModel }),
});

const MemberGraderInput = builder.inputType('MemberGraderInput', {
  isOneOf: true,
  description: 'A grader of a multi grader. Set exactly one field. A multi grader cannot contain another multi grader.',
  fields: (t) => ({
    ...commonTypes(t),
    labelModel: t.field({ type: LabelModelGraderInput, description: DESCRIPTIONS.labelModel }),
  }),
});

const NamedGraderInput = builder.inputType('NamedGraderInput', {
  description: DESCRIPTIONS.namedGrader,
  fields: (t) => ({
    name: t.string({ required: true, description: `${DESCRIPTIONS.nameInFormula} Each name once.` }),
    grader: t.field({
      type: MemberGraderInput,
      required: true,
      description: 'The grader whose score the formula uses.',
    }),
  }),
});

const MultiGraderInput = builder.inputType('MultiGraderInput', {
  description: DESCRIPTIONS.multi,
  fields: (t) => ({
    name: nameField(t),
    calculateOutput: t.string({ required: true, description: DESCRIPTIONS.calculateOutput }),
    graders: t.field({
      type: [NamedGraderInput],
      required: true,
      description: `${DESCRIPTIONS.graders} At least one.`,
    }),
  }),
});

export const GraderInput = builder.inputType('GraderInput', {
  isOneOf: true,
  description: 'A grader, which scores the outputs of a model. Set exactly one field.',
  fields: (t) => ({
    ...commonTypes(t),
    multi: t.field({ type: MultiGraderInput, description: DESCRIPTIONS.multi }),
  }),
});

export type GraderInputValue = typeof GraderInput.$inferInput;
export type MemberGraderInputValue = typeof MemberGraderInput.$inferInput;
export type MultiGraderInputValue = typeof MultiGraderInput.$inferInput;
