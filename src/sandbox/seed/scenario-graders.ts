const stringCheck = {
  type: 'string_check',
  name: 'exact_code',
  input: '{{sample.output_text}}',
  reference: '{{item.code}}',
  operation: 'eq',
};

const textSimilarity = {
  type: 'text_similarity',
  name: 'close_to_reference',
  input: '{{sample.output_text}}',
  reference: '{{item.translation}}',
  evaluation_metric: 'rouge_l',
};

const python = {
  type: 'python',
  name: 'query_parses',
  source: [
    'def grade(sample, item):',
    '    query = sample["output_text"].strip().rstrip(";").upper()',
    '    return 1.0 if query.startswith("SELECT ") and item["table"].upper() in query else 0.0',
  ].join('\n'),
  image_tag: '2025-05-08',
};

const scoreModel = {
  type: 'score_model',
  name: 'summary_quality',
  model: 'gpt-4.1-2025-04-14',
  input: [
    { role: 'developer', content: 'Rate from 0 to 1 how faithful the summary is to the text.' },
    { role: 'user', content: 'Text: {{item.text}}\nSummary: {{sample.output_text}}' },
  ],
  range: [0, 1],
  sampling_params: { temperature: 0, seed: 7 },
};

const labelModel = {
  type: 'label_model',
  name: 'politeness',
  model: 'gpt-4.1-mini-2025-04-14',
  input: [{ role: 'user', content: 'Is this reply polite? {{sample.output_text}}' }],
  labels: ['polite', 'neutral', 'rude'],
  passing_labels: ['polite', 'neutral'],
};

/** Real requests have a map of graders in `multi`, other than the schema (docs/upstream.md: Objects). */
const multi = {
  type: 'multi',
  name: 'rubric',
  graders: { exact_code: stringCheck, summary_quality: scoreModel, politeness: labelModel },
  calculate_output: '0.5 * exact_code + 0.3 * summary_quality + 0.2 * politeness',
};

/** One grader of each type that a job can have. `label_model` is valid only as a part of `multi`. */
export const GRADERS = {
  string_check: stringCheck,
  text_similarity: textSimilarity,
  python,
  score_model: scoreModel,
  multi,
};

/** The response format of the job with a score model grader. */
export const SUMMARY_FORMAT = {
  type: 'json_schema',
  json_schema: {
    name: 'summary',
    strict: true,
    schema: {
      type: 'object',
      properties: { summary: { type: 'string' } },
      required: ['summary'],
      additionalProperties: false,
    },
  },
};
