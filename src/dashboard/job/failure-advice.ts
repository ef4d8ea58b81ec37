interface Advice {
  /** The cause in plain words. */
  readonly meaning: string;
  readonly todo: string;
  /** The file that has to be mended. */
  readonly file?: 'training' | 'validation';
}

const INVALID_FILE: Advice = {
  meaning: 'The training file has examples that cannot be used.',
  todo: 'Mend the lines that the message names, and start a job with the mended file. The form checks each line while the file is uploaded; the upstream can have rules that this check does not know.',
  file: 'training',
};
const DELETED_FILE: Advice = {
  meaning: 'A file of the job was deleted before the job had read it.',
  todo: 'Upload the file again, and start a new job with it.',
};
const NO_CREDIT: Advice = {
  meaning: 'The account has no credit left, or its monthly budget is used up.',
  todo: 'Raise the budget or add credit at the provider, then start the job again.',
};
const TOO_MANY: Advice = {
  meaning: 'The account has reached a limit on jobs.',
  todo: 'Wait until other jobs have ended or the limit starts again, then start the job again.',
};
const NO_MODEL: Advice = {
  meaning: 'The model does not exist, or the account may not fine-tune it.',
  todo: 'Select another model, or ask the provider for access.',
};
const SERVER: Advice = {
  meaning: 'The upstream had an internal failure. The job itself can be correct.',
  todo: 'Start the job again. When it fails again, ask the operator of the upstream and quote the id of the job.',
};

/** By the code of a job's error, in OpenAI's and in Azure's spelling. */
const ADVICE: Readonly<Record<string, Advice>> = {
  invalid_training_file: INVALID_FILE,
  invalid_file_format: INVALID_FILE,
  jsonlValidationFailed: INVALID_FILE,
  invalid_validation_file: {
    meaning: 'The validation file has examples that cannot be used.',
    todo: 'Mend the validation file, upload it, and start a new job. A job can also train without one.',
    file: 'validation',
  },
  invalid_n_examples: {
    meaning: 'The training file has too few examples.',
    todo: 'Add examples: the least number is 10 on OpenAI. Upload the file, and start a new job.',
    file: 'training',
  },
  deleted_training_file: DELETED_FILE,
  deleted_validation_file: DELETED_FILE,
  insufficient_quota: NO_CREDIT,
  exceeded_quota: NO_CREDIT,
  quotaExceeded: NO_CREDIT,
  daily_rate_limit_exceeded: TOO_MANY,
  rate_limit_exceeded: TOO_MANY,
  tooManyRequests: TOO_MANY,
  model_not_available: NO_MODEL,
  model_not_found: NO_MODEL,
  server_error: SERVER,
  server_is_overloaded: SERVER,
};

const UNKNOWN: Advice = {
  meaning: 'The upstream ended the job with a failure.',
  todo: 'Read the message and the events of the job. They say what to change before the job is started again.',
};

/** The meaning of a failure, and a way out. */
export const adviceFor = (code: string | null): Advice =>
  (code !== null && Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined) ?? UNKNOWN;
