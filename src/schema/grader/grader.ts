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
import { builder } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';

const graderType = openEnum('GraderType', {
  description: 'How a grader judges an output.',
  values: {
    STRING_CHECK: { description: 'Compares two strings.' },
    TEXT_SIMILARITY: { description: 'Measures how alike two texts are.' },
    PYTHON: { description: 'Runs a Python function.' },
    SCORE_MODEL: { description: 'Asks a model for a score.' },
    LABEL_MODEL: { description: 'Asks a model for one of several labels.' },
    MULTI: { description: 'Combines the scores of other graders.' },
  },
});

export const operation = openEnum('StringCheckOperation', {
  description: 'How two strings are compared.',
  values: {
    EQ: { description: 'Equal.' },
    NE: { description: 'Not equal.' },
    LIKE: { description: 'The reference is contained, letter case counts.' },
    ILIKE: { description: 'The reference is contained, letter case does not count.' },
  },
});

export const metric = openEnum('TextSimilarityMetric', {
  description: 'How the likeness of two texts is measured.',
  values: {
    COSINE: { description: 'Cosine of the angle between their embeddings.' },
    FUZZY_MATCH: { description: 'Fuzzy string matching.' },
    BLEU: { description: 'BLEU.' },
    GLEU: { description: 'Google BLEU.' },
    METEOR: { description: 'METEOR.' },
    ROUGE_1: { description: 'ROUGE over single words.' },
    ROUGE_2: { description: 'ROUGE over pairs of words.' },
    ROUGE_3: { description: 'ROUGE over runs of three words.' },
    ROUGE_4: { description: 'ROUGE over runs of four words.' },
    ROUGE_5: { description: 'ROUGE over runs of five words.' },
    ROUGE_L: { description: 'ROUGE over the longest common subsequence.' },
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
  description: "Judges a model's output during reinforcement fine-tuning.",
  resolveType: ({ type }) => TYPE_NAMES[type],
  fields: (t) => ({
    type: t.field({
      type: graderType.type,
      nullable: false,
      description: 'How it judges; UNKNOWN for an `UnknownGrader`.',
      resolve: ({ type }) => graderType.read(type),
    }),
    rawType: t.string({ nullable: false, description: '`type` as the upstream spells it.', resolve: rawTypeOf }),
    name: t.exposeString('name', { description: "The grader's name." }),
  }),
});

const GraderMessage = builder.objectRef<ScoreModelGrader['input'][number]>('GraderMessage').implement({
  description: 'One message of the prompt that a model grader is asked with.',
  fields: (t) => ({
    role: t.exposeString('role', { nullable: false, description: 'Who speaks: user, assistant, system or developer.' }),
    content: t.expose('content', {
      type: 'JSON',
      description:
        'Text with template variables such as `{{sample.output_text}}`, or a content object, or a list of them, as the upstream has it.',
    }),
  }),
});

builder.objectRef<StringCheckGrader>('StringCheckGrader').implement({
  description: 'Passes when two strings compare as `operation` says.',
  interfaces: [GraderInterface],
  fields: (t) => ({
    input: t.exposeString('input', {
      nullable: false,
      description: 'The text to judge, with template variables such as `{{sample.output_text}}`.',
    }),
    reference: t.exposeString('reference', {
      nullable: false,
      description: 'What `input` is compared with, with template variables such as `{{item.answer}}`.',
    }),
    operation: t.field({
      type: operation.type,
      nullable: false,
      description: 'How the two are compared.',
      resolve: (grader) => operation.read(grader.operation),
    }),
    rawOperation: t.string({
      nullable: false,
      description: '`operation` as the upstream spells it.',
      resolve: (grader) => grader.operation,
    }),
  }),
});

builder.objectRef<TextSimilarityGrader>('TextSimilarityGrader').implement({
  description: 'Scores how alike two texts are.',
  interfaces: [GraderInterface],
  fields: (t) => ({
    input: t.exposeString('input', {
      nullable: false,
      description: 'The text to judge, with template variables such as `{{sample.output_text}}`.',
    }),
    reference: t.exposeString('reference', {
      nullable: false,
      description: 'What `input` is compared with, with template variables such as `{{item.answer}}`.',
    }),
    evaluationMetric: t.field({
      type: metric.type,
      nullable: false,
      description: 'How likeness is measured.',
      resolve: ({ evaluation_metric }) => metric.read(evaluation_metric),
    }),
    rawEvaluationMetric: t.string({
      nullable: false,
      description: '`evaluationMetric` as the upstream spells it.',
      resolve: ({ evaluation_metric }) => evaluation_metric,
    }),
  }),
});

builder.objectRef<PythonGrader>('PythonGrader').implement({
  description: 'Runs a Python function on the output.',
  interfaces: [GraderInterface],
  fields: (t) => ({
    source: t.exposeString('source', { nullable: false, description: 'The source text of the script.' }),
    imageTag: t.string({
      description: 'The image it runs in; null for the default.',
      resolve: ({ image_tag }) => image_tag,
    }),
  }),
});

builder.objectRef<ScoreModelGrader>('ScoreModelGrader').implement({
  description: 'Asks a model for a score.',
  interfaces: [GraderInterface],
  fields: (t) => ({
    modelId: t.id({ nullable: false, description: 'The model that is asked.', resolve: ({ model }) => model }),
    messages: t.field({
      type: [GraderMessage],
      nullable: false,
      description: 'The prompt, `input` in the REST API.',
      resolve: ({ input }) => input,
    }),
    range: t.expose('range', { type: ['Float'], description: 'Lowest and highest score; null for 0 to 1.' }),
    samplingParams: t.field({
      type: 'JSON',
      description: 'Sampling parameters as the upstream has them; null when none are set.',
      resolve: ({ sampling_params }) => sampling_params,
    }),
  }),
});

builder.objectRef<LabelModelGrader>('LabelModelGrader').implement({
  description: 'Asks a model to choose a label.',
  interfaces: [GraderInterface],
  fields: (t) => ({
    modelId: t.id({ nullable: false, description: 'The model that is asked.', resolve: ({ model }) => model }),
    messages: t.field({
      type: [GraderMessage],
      nullable: false,
      description: 'The prompt, `input` in the REST API.',
      resolve: ({ input }) => input,
    }),
    labels: t.exposeStringList('labels', { nullable: false, description: 'The labels it can choose from.' }),
    passingLabels: t.stringList({
      nullable: false,
      description: 'The labels that pass.',
      resolve: ({ passing_labels }) => passing_labels,
    }),
  }),
});

const Named = builder.objectRef<NamedGrader>('NamedGrader').implement({
  description: 'A grader inside a `MultiGrader`, under the name that its formula uses.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: false, description: 'The name in the formula.' }),
    grader: t.expose('grader', { type: GraderInterface, nullable: false, description: 'The grader.' }),
  }),
});

builder.objectRef<MultiGrader>('MultiGrader').implement({
  description: 'Combines the scores of other graders.',
  interfaces: [GraderInterface],
  fields: (t) => ({
    calculateOutput: t.string({
      nullable: false,
      description: 'The formula over the names of the graders.',
      resolve: ({ calculate_output }) => calculate_output,
    }),
    graders: t.expose('graders', { type: [Named], nullable: false, description: 'The graders it combines.' }),
  }),
});

builder.objectRef<UnknownGrader>('UnknownGrader').implement({
  description:
    'A grader of a type that this version does not know, or one without what its type requires; `raw` of the job has it whole.',
  interfaces: [GraderInterface],
});
