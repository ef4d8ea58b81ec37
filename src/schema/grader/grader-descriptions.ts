/** Descriptions that the graders of a job share with the graders of an input. */
export const DESCRIPTIONS = {
  stringCheck: 'Compares two strings: the score is 1 when `operation` holds, otherwise 0.',
  textSimilarity: 'Scores how similar two texts are.',
  python: 'Runs a Python function that returns the score.',
  scoreModel: 'Prompts a model for a score.',
  labelModel: 'Prompts a model to choose a label, and passes when it is one of `passingLabels`.',
  multi: 'Combines the scores of other graders by a formula.',

  name: 'The name of the grader, such as `accuracy`.',
  input: 'The text to grade, with template variables such as `{{sample.output_text}}`.',
  reference: 'The text that `input` is compared with, with template variables such as `{{item.answer}}`.',
  operation: 'The comparison of `input` and `reference`.',
  evaluationMetric: 'The similarity metric of `input` and `reference`.',
  source: 'The source code: a Python script with a function `grade(sample, item)` that returns a number.',
  imageTag: 'The tag of the container image that runs the script, such as `2025-05-08`.',

  modelId: 'The id of the model that is prompted, such as `gpt-4.1-mini`.',
  messages: 'The messages of the prompt: `input` in the REST API.',
  message: 'A message of the prompt of a model grader.',
  role: 'The author of the message: `user`, `assistant`, `system` or `developer`.',
  content:
    'The content, in the form of the REST API: a string with template variables such as `{{sample.output_text}}`, a content object, or a list of both.',
  range: 'The lowest and the highest score, such as `[0, 10]`.',
  samplingParams: 'The sampling parameters, an object in the form of the REST API, such as `{"temperature": 0}`.',
  labels: 'The labels that the model chooses from, such as `["good", "bad"]`.',
  passingLabels: 'The labels that pass, such as `["good"]`.',

  namedGrader: 'A grader of a multi grader, with its name in the formula.',
  nameInFormula: 'The name of the grader in `calculateOutput`.',
  calculateOutput: 'The formula over the names of the graders, such as `0.5 * accuracy + 0.5 * style`.',
  graders: 'The graders that the formula combines.',
} as const;
