import type { GraphQLResolveInfo } from 'graphql';
import type { Uploaded } from '../../commands/file.ts';
import type { Context } from '../../request/context.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import { sanitizeFilename } from '../../upstream/training-data/filename.ts';
import type { TrainingFileReport as Report } from '../../upstream/training-data/validating-stream.ts';
import { builder } from '../core/builder.ts';
import { selectsAny } from '../core/selection.ts';
import type { UploadContent } from '../core/upload-value.ts';
import { Failure, type InputIssue, InvalidInput } from '../mutation/failure.ts';
import { ErrorInterface, InvalidInputError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { File, filePurpose } from './file.ts';
import { TrainingFileReport, VALIDATION_WEIGHT } from './training-report.ts';

/** A file that the upstream stored, and its validation report. */
interface StoredFile {
  readonly file: FileObject;
  readonly report: Report | null;
}

/** No job could train on the file. The upstream does not store it. */
class InvalidTrainingFile extends Failure {
  readonly code = 'BAD_USER_INPUT';
  readonly report: Report;

  constructor(report: Report) {
    super(
      'The file has errors; expected JSON Lines with one training example per line. report.issues lists the first errors.',
    );
    this.report = report;
  }
}

const InvalidTrainingFileError = builder.objectType(InvalidTrainingFile, {
  name: 'InvalidTrainingFileError',
  isTypeOf: (value) => value instanceof InvalidTrainingFile,
  description:
    'The file has errors, so no job could train on it. The upstream does not store it. The `code` is BAD_USER_INPUT.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    report: t.expose('report', {
      type: TrainingFileReport,
      nullable: false,
      description:
        'The validation report with the errors. `report` of the success is nullable, so an operation that selects both gives one of them an alias.',
    }),
  }),
});

const [MIN_EXPIRY_SECONDS, MAX_EXPIRY_SECONDS] = [3600, 2_592_000];

const UploadFileInput = builder.inputType('UploadFileInput', {
  description: 'A file and its purpose. Its content is in exactly one of `file` and `text`.',
  fields: (t) => ({
    file: t.field({
      type: 'Upload',
      description: 'The file, as a part of a multipart request: see `Upload`. Null when `text` has the content.',
    }),
    text: t.string({
      description:
        'The content of a small file as a string, in place of `file`. The variables of an operation have at most 100000 bytes by default. Null when `file` has the content.',
    }),
    purpose: t.field({
      type: filePurpose.type,
      defaultValue: 'FINE_TUNE',
      description: 'The purpose of the file. By default, and when null, FINE_TUNE. UNKNOWN is not accepted.',
    }),
    filename: t.string({
      description:
        'The name of the file, such as `train.jsonl`. Directories are removed, and a name of more than 200 characters is shortened. By default, and when null, the name in the multipart request, or `upload.jsonl` for a `text`.',
    }),
    expiresAfterSeconds: t.int({
      description: `Seconds after which the upstream deletes the file, such as 86400 (a day): from ${MIN_EXPIRY_SECONDS} (an hour) to ${MAX_EXPIRY_SECONDS} (30 days). By default, and when null, the file does not expire.`,
    }),
    isChecked: t.boolean({
      defaultValue: true,
      description:
        'Whether to validate a FINE_TUNE file during the upload, and to reject it when it has an error. By default, and when null, true. Pass false for examples of another format than `TrainingFormat`.',
    }),
  }),
});

type Input = typeof UploadFileInput.$inferInput;

async function upload(
  input: Input,
  { commands }: Context,
  info: GraphQLResolveInfo,
): Promise<StoredFile | InvalidTrainingFile | InvalidInput> {
  const issues = issuesOf(input);
  if (issues.length > 0) return new InvalidInput(issues);
  const { file, text, filename, expiresAfterSeconds } = input;
  const content = file ? file.take() : textContent(text ?? '');
  if (content === null) return new InvalidInput([USED_TWICE]);
  const purpose = filePurpose.write(input.purpose ?? 'FINE_TUNE', 'purpose');
  const uploaded: Uploaded = await commands.files.upload({
    ...content,
    filename: sanitizeFilename(filename ?? content.filename),
    purpose,
    expiresAfterSeconds: expiresAfterSeconds ?? undefined,
    isTrainingData: purpose === 'fine-tune' && input.isChecked !== false,
    isCounted: selectsAny(info, ['estimatedTokens']),
  });
  return uploaded.file ? uploaded : new InvalidTrainingFile(uploaded.report);
}

const USED_TWICE: InputIssue = {
  path: ['file'],
  message: 'is already used by another field of the operation; expected a file of its own',
};

/** Returns all problems of an input, except those of the content. */
function issuesOf({ file, text, purpose, expiresAfterSeconds }: Input): InputIssue[] {
  const issues: InputIssue[] = [];
  const add = (field: string, message: string) => issues.push({ path: [field], message });
  if (file == null && text == null) add('file', 'is missing; expected a file, or its content as text');
  if (file != null && text != null) add('file', 'is given together with text; expected exactly one of the two');
  if (purpose === 'UNKNOWN') add('purpose', 'is UNKNOWN; expected a known FilePurpose, such as FINE_TUNE');
  if (expiresAfterSeconds != null && !isWithin(expiresAfterSeconds, MIN_EXPIRY_SECONDS, MAX_EXPIRY_SECONDS)) {
    const range = `from ${MIN_EXPIRY_SECONDS} to ${MAX_EXPIRY_SECONDS}`;
    add('expiresAfterSeconds', `is ${expiresAfterSeconds}; expected an integer ${range}, such as 86400`);
  }
  return issues;
}

const isWithin = (value: number, min: number, max: number) => value >= min && value <= max;

/** The default name has the extension `.jsonl`: OpenAI accepts no other for training files. */
function textContent(text: string): UploadContent {
  async function* content() {
    yield Buffer.from(text);
  }
  return { filename: 'upload.jsonl', content: content() };
}

defineMutation({
  name: 'uploadFile',
  role: 'operator',
  description:
    'Uploads a file to the upstream, by default of at most 512 MiB. The gateway streams the content and does not store it.',
  cost: { calls: 1, weight: () => VALIDATION_WEIGHT },
  input: UploadFileInput,
  result: 'The uploaded file, or the reason why no file was stored.',
  success: {
    description: 'The upstream stored the file.',
    affectedId: ({ file }: StoredFile) => file.id,
    fields: (t) => ({
      file: t.expose('file', {
        type: File,
        nullable: false,
        description: 'The uploaded file, as in the response of the upstream.',
      }),
      report: t.expose('report', {
        type: TrainingFileReport,
        description:
          'The validation report; it can have warnings. Null when the file was not validated: `isChecked` was false, or the purpose is not FINE_TUNE.',
      }),
    }),
  },
  failures: [InvalidTrainingFileError, InvalidInputError],
  failureCases: [
    '`InvalidTrainingFileError`: the content has an error, and `isChecked` is not false.',
    '`InvalidInputError`: another value of the input is not valid.',
  ],
  run: upload,
});
