/** Descriptions that the graders of a job share with the graders of an input. */
export const DESCRIPTIONS = {
  stringCheck: 'Compares two strings. The score is 1 when the comparison is true, otherwise 0.',
  textSimilarity: 'Measures how similar two texts are. The score is from 0 to 1, where 1 means equal.',
  python: 'Runs a Python function, which returns the score.',
  scoreModel: 'Prompts a model, which answers with a score.',
  labelModel:
    'Prompts a model, which chooses a label. The score is 1 when the label is one of the passing labels, otherwise 0.',
  multi: 'Combines the scores of other graders with a formula.',

  name: 'The name of the grader, such as `accuracy`.',
  input: 'The text to grade, with template variables such as `{{sample.output_text}}`.',
  reference: 'The text that `input` is compared with, with template variables such as `{{item.answer}}`.',
  operation: 'The comparison of `input` and `reference`, such as EQ.',
  evaluationMetric: 'The metric for the similarity of `input` and `reference`, such as ROUGE_L.',
  source:
    'The source code: a Python script with a function `grade(sample, item)` that returns a number, such as `def grade(sample, item): return 1.0`.',
  imageTag: 'The tag of the container image that runs the script, such as `2025-05-08`.',

  modelId: 'The id of the model that is prompted, such as `gpt-4.1-mini`.',
  messages: 'The messages of the prompt, in their order. In the REST API they are called `input`.',
  message: 'A message of the prompt of a model grader.',
  role: 'The author of the message: `user`, `assistant`, `system` or `developer`.',
  content:
    'The content, in the form of the REST API: a string, a content object such as `{"type": "input_text", "text": "Hello"}`, or a list of these. Strings can have template variables such as `{{sample.output_text}}`.',
  range: 'The lowest and the highest score: two numbers, such as `[0, 10]`.',
  samplingParams: 'The sampling parameters, an object in the form of the REST API, such as `{"temperature": 0}`.',
  labels: 'The labels that the model chooses from, such as `["good", "bad"]`.',
  passingLabels: 'The labels that pass, such as `["good"]`.',

  namedGrader: 'A grader of a multi grader, with its name in the formula.',
  nameInFormula: 'The name of the grader in the formula `calculateOutput`, such as `accuracy`.',
  calculateOutput:
    'The formula for the score. Its variables are the names of the graders, as in `0.5 * accuracy + 0.5 * style`.',
  graders: 'The graders that the formula combines.',
} as const;
