import type { ObjectFieldBuilder } from '@pothos/core';
import type {
  Grader,
  LabelModelGrader,
  MultiGrader,
  NamedGrader,
  PythonGrader,
  ScoreModelGrader,
  StringCheckGrader,
  TextSimilarityGrader,
  UnknownGrader,
} from '../../upstream/resources/grader.ts';
import { builder, type Types } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';
import { DESCRIPTIONS } from './grader-descriptions.ts';

const graderType = openEnum('GraderType', {
  description: 'The type of a grader: how it scores an output.',
  values: {
    STRING_CHECK: { description: DESCRIPTIONS.stringCheck },
    TEXT_SIMILARITY: { description: DESCRIPTIONS.textSimilarity },
    PYTHON: { description: DESCRIPTIONS.python },
    SCORE_MODEL: { description: DESCRIPTIONS.scoreModel },
    LABEL_MODEL: { description: DESCRIPTIONS.labelModel },
    MULTI: { description: DESCRIPTIONS.multi },
  },
});

export const operation = openEnum('StringCheckOperation', {
  description: 'The comparison of a string check: when its score is 1.',
  values: {
    EQ: { description: 'The input and the reference are equal.' },
    NE: { description: 'The input and the reference are not equal.' },
    LIKE: { description: 'The input contains the reference. Case-sensitive.' },
    ILIKE: { description: 'The input contains the reference. Not case-sensitive.' },
  },
});

export const metric = openEnum('TextSimilarityMetric', {
  description: 'The metric for the similarity of two texts. Its value is from 0 to 1, where 1 means equal.',
  values: {
    COSINE: { description: 'Cosine similarity of the embeddings of the texts: similar meanings.' },
    FUZZY_MATCH: { description: 'Fuzzy string matching: few differences between the characters.' },
    BLEU: { description: 'BLEU: the share of the word sequences of the input that are in the reference.' },
    GLEU: {
      description:
        'Google BLEU: like BLEU, but also the share of the word sequences of the reference that are in the input.',
    },
    METEOR: { description: 'METEOR: matching words, including inflected forms and synonyms, and their order.' },
    ROUGE_1: { description: 'ROUGE-1: common single words.' },
    ROUGE_2: { description: 'ROUGE-2: common sequences of 2 words.' },
    ROUGE_3: { description: 'ROUGE-3: common sequences of 3 words.' },
    ROUGE_4: { description: 'ROUGE-4: common sequences of 4 words.' },
    ROUGE_5: { description: 'ROUGE-5: common sequences of 5 words.' },
    ROUGE_L: { description: 'ROUGE-L: the longest common subsequence of words.' },
  },
});

const TYPE_NAMES: Record<Grader['type'], string> = {
  string_check: 'StringCheckGrader',
  text_similarity: 'TextSimilarityGrader',
  python: 'PythonGrader',
  score_model: 'ScoreModelGrader',
  label_model: 'LabelModelGrader',
  multi: 'MultiGrader',
  unknown: 'UnknownGrader',
};

const rawTypeOf = (grader: Grader) => (grader.type === 'unknown' ? grader.rawType : grader.type);

export const GraderInterface = builder.interfaceRef<Grader>('Grader').implement({
  description: 'A grader: it scores the outputs of a model, for example during reinforcement fine-tuning.',
  resolveType: ({ type }) => TYPE_NAMES[type],
  fields: (t) => ({
    type: t.field({
      type: graderType.type,
      nullable: false,
      description: 'The type of the grader: how it scores an output. UNKNOWN when the object is an `UnknownGrader`.',
      resolve: ({ type }) => graderType.read(type),
    }),
    rawType: t.string({
      nullable: false,
      description:
        '`type` as the upstream spells it, such as `string_check`. Empty when the upstream does not report it.',
      resolve: rawTypeOf,
    }),
    name: t.exposeString('name', {
      description: `${DESCRIPTIONS.name} Null when the upstream does not report it.`,
    }),
  }),
});

const GraderMessage = builder.objectRef<ScoreModelGrader['input'][number]>('GraderMessage').implement({
  description: DESCRIPTIONS.message,
  fields: (t) => ({
    role: t.exposeString('role', { nullable: false, description: DESCRIPTIONS.role }),
    content: t.expose('content', {
      type: 'JSON',
      description: `${DESCRIPTIONS.content} Null when the upstream does not report it.`,
    }),
  }),
});

/** The fields of a grader that compares two texts. */
const comparedTexts = <T extends StringCheckGrader | TextSimilarityGrader>(t: ObjectFieldBuilder<Types, T>) => ({
  input: t.string({ nullable: false, description: DESCRIPTIONS.input, resolve: ({ input }) => input }),
  reference: t.string({ nullable: false, description: DESCRIPTIONS.reference, resolve: ({ reference }) => reference }),
});

/** The fields of a grader that prompts a model. */
const prompt = <T extends ScoreModelGrader | LabelModelGrader>(t: ObjectFieldBuilder<Types, T>) => ({
  modelId: t.id({ nullable: false, description: DESCRIPTIONS.modelId, resolve: ({ model }) => model }),
  messages: t.field({
    type: [GraderMessage],
    nullable: false,
    description: DESCRIPTIONS.messages,
    resolve: ({ input }) => input,
  }),
});

builder.objectRef<StringCheckGrader>('StringCheckGrader').implement({
  description: DESCRIPTIONS.stringCheck,
  interfaces: [GraderInterface],
  fields: (t) => ({
    ...comparedTexts(t),
    operation: t.field({
      type: operation.type,
      nullable: false,
      description: DESCRIPTIONS.operation,
      resolve: (grader) => operation.read(grader.operation),
    }),
    rawOperation: t.string({
      nullable: false,
      description: '`operation` as the upstream spells it, such as `eq`.',
      resolve: (grader) => grader.operation,
    }),
  }),
});

builder.objectRef<TextSimilarityGrader>('TextSimilarityGrader').implement({
  description: DESCRIPTIONS.textSimilarity,
  interfaces: [GraderInterface],
  fields: (t) => ({
    ...comparedTexts(t),
    evaluationMetric: t.field({
      type: metric.type,
      nullable: false,
      description: DESCRIPTIONS.evaluationMetric,
      resolve: ({ evaluation_metric }) => metric.read(evaluation_metric),
    }),
    rawEvaluationMetric: t.string({
      nullable: false,
      description: '`evaluationMetric` as the upstream spells it, such as `rouge_l`.',
      resolve: ({ evaluation_metric }) => evaluation_metric,
    }),
  }),
});

builder.objectRef<PythonGrader>('PythonGrader').implement({
  description: DESCRIPTIONS.python,
  interfaces: [GraderInterface],
  fields: (t) => ({
    source: t.exposeString('source', { nullable: false, description: DESCRIPTIONS.source }),
    imageTag: t.string({
      description: `${DESCRIPTIONS.imageTag} Null for the default image.`,
      resolve: ({ image_tag }) => image_tag,
    }),
  }),
});

builder.objectRef<ScoreModelGrader>('ScoreModelGrader').implement({
  description: DESCRIPTIONS.scoreModel,
  interfaces: [GraderInterface],
  fields: (t) => ({
    ...prompt(t),
    range: t.expose('range', { type: ['Float'], description: `${DESCRIPTIONS.range} Null for the default: 0 to 1.` }),
    samplingParams: t.field({
      type: 'JSON',
      description: `${DESCRIPTIONS.samplingParams} Null for the defaults of the upstream.`,
      resolve: ({ sampling_params }) => sampling_params,
    }),
  }),
});

builder.objectRef<LabelModelGrader>('LabelModelGrader').implement({
  description: DESCRIPTIONS.labelModel,
  interfaces: [GraderInterface],
  fields: (t) => ({
    ...prompt(t),
    labels: t.exposeStringList('labels', { nullable: false, description: DESCRIPTIONS.labels }),
    passingLabels: t.stringList({
      nullable: false,
      description: DESCRIPTIONS.passingLabels,
      resolve: ({ passing_labels }) => passing_labels,
    }),
  }),
});

const Named = builder.objectRef<NamedGrader>('NamedGrader').implement({
  description: DESCRIPTIONS.namedGrader,
  fields: (t) => ({
    name: t.exposeString('name', { nullable: false, description: DESCRIPTIONS.nameInFormula }),
    grader: t.expose('grader', {
      type: GraderInterface,
      nullable: false,
      description: 'The grader whose score the formula uses.',
    }),
  }),
});

builder.objectRef<MultiGrader>('MultiGrader').implement({
  description: DESCRIPTIONS.multi,
  interfaces: [GraderInterface],
  fields: (t) => ({
    calculateOutput: t.string({
      nullable: false,
      description: DESCRIPTIONS.calculateOutput,
      resolve: ({ calculate_output }) => calculate_output,
    }),
    graders: t.expose('graders', { type: [Named], nullable: false, description: DESCRIPTIONS.graders }),
  }),
});

builder.objectRef<UnknownGrader>('UnknownGrader').implement({
  description:
    'A grader of a type that this version of the gateway does not know, or one that lacks a property of its type. `raw` of the job has the whole grader.',
  interfaces: [GraderInterface],
});
