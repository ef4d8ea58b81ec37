import type { Uploaded } from '../../commands/file.ts';
import type { Context } from '../../request/context.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import { sanitizeFilename } from '../../upstream/training-data/filename.ts';
import type { TrainingFileReport as Report } from '../../upstream/training-data/validating-stream.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import type { UploadContent } from '../core/upload-value.ts';
import { Failure, type InputIssue, InvalidInput } from '../mutation/failure.ts';
import { COMMON_FAILURES, ErrorInterface, InvalidInputError } from '../mutation/failure-types.ts';
import { resolveMutation } from '../mutation/mutation.ts';
import { File, filePurpose } from './file.ts';
import { OBJECTS_PER_CHECK, TrainingFileReport } from './training-report.ts';

/** A file that the upstream has now. */
class FileUploaded {
  readonly file: FileObject;
  readonly report: Report | null;

  constructor(file: FileObject, report: Report | null) {
    this.file = file;
    this.report = report;
  }

  get affectedId() {
    return this.file.id;
  }
}

/** A file for fine-tuning that nothing could be trained on. */
class InvalidTrainingFile extends Failure {
  readonly code = 'BAD_USER_INPUT';
  readonly report: Report;

  constructor(report: Report) {
    super('Expected JSON Lines with an example in each; `report` says where it is not.');
    this.report = report;
  }
}

const UploadFileSuccess = builder.objectType(FileUploaded, {
  name: 'UploadFileSuccess',
  isTypeOf: (value) => value instanceof FileUploaded,
  description: 'The upstream has the file.',
  fields: (t) => ({
    file: t.expose('file', { type: File, nullable: false, description: 'The file, as the upstream answered.' }),
    report: t.expose('report', {
      type: TrainingFileReport,
      description: 'What stands in it; null when it was not to be checked, or is not for fine-tuning.',
    }),
  }),
});

const InvalidTrainingFileError = builder.objectType(InvalidTrainingFile, {
  name: 'InvalidTrainingFileError',
  isTypeOf: (value) => value instanceof InvalidTrainingFile,
  description: 'No job could train on the file; the upstream has not kept it.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    // Nullable as that of a success: GraphQL refuses to select the two side by side otherwise.
    report: t.expose('report', { type: TrainingFileReport, description: 'What stands in it; never null.' }),
  }),
});

const UploadFileResult = builder.unionType('UploadFileResult', {
  description: 'What came of it.',
  types: [UploadFileSuccess, InvalidTrainingFileError, InvalidInputError, ...COMMON_FAILURES],
});

const [MIN_EXPIRY_SECONDS, MAX_EXPIRY_SECONDS] = [3600, 2_592_000];
const EXPIRY = `a whole number from ${MIN_EXPIRY_SECONDS} to ${MAX_EXPIRY_SECONDS}`;

const UploadFileInput = builder.inputType('UploadFileInput', {
  description: 'A file, and what it is for.',
  fields: (t) => ({
    file: t.field({ type: 'Upload', description: 'The file; it comes by a multipart request. Either this or `text`.' }),
    text: t.string({
      description: 'What is to stand in the file, of one small enough to stand in the query. Either this or `file`.',
    }),
    purpose: t.field({
      type: filePurpose.type,
      defaultValue: 'FINE_TUNE',
      description: 'What it is for; FINE_TUNE when left out or null.',
    }),
    filename: t.string({
      description:
        'What it is to be called; as the client calls it when left out or null, and `upload.jsonl` of a `text`. Paths before it are left out.',
    }),
    expiresAfterSeconds: t.int({
      description: `After how many seconds the upstream deletes it, ${EXPIRY}; it stays when left out or null.`,
    }),
    isChecked: t.boolean({
      defaultValue: true,
      description:
        'Whether a file for fine-tuning is checked on its way, and not made when nothing could be trained on it; true when left out or null. False for examples of another form, as reinforcement fine-tuning takes them.',
    }),
  }),
});

type Input = typeof UploadFileInput.$inferInput;

async function upload(input: Input, { commands }: Context): Promise<FileUploaded | InvalidTrainingFile | InvalidInput> {
  const issues = issuesOf(input);
  if (issues.length > 0) return new InvalidInput(issues);
  const { file, text, filename, expiresAfterSeconds: seconds } = input;
  const sent = file ? file.take() : sentText(text ?? '');
  if (sent === null) return new InvalidInput([issue('file', 'a file that nothing else in the operation uses')]);
  const purpose = filePurpose.write(input.purpose ?? 'FINE_TUNE', 'purpose');
  const uploaded: Uploaded = await commands.files.upload({
    ...sent,
    filename: sanitizeFilename(filename ?? sent.filename),
    purpose,
    expiresAfterSeconds: seconds ?? undefined,
    isTrainingData: purpose === 'fine-tune' && input.isChecked !== false,
  });
  return uploaded.file ? new FileUploaded(uploaded.file, uploaded.report) : new InvalidTrainingFile(uploaded.report);
}

const issue = (field: string, expected: string): InputIssue => ({ path: [field], message: `expected ${expected}` });

/** All that is wrong with an input, but for what stands in the file. */
function issuesOf({ file, text, purpose, expiresAfterSeconds: seconds }: Input): InputIssue[] {
  return [
    ...((file == null) === (text == null) ? [issue('file', 'either a file or a text')] : []),
    ...(purpose === 'UNKNOWN' ? [issue('purpose', 'a known purpose')] : []),
    ...(seconds != null && (seconds < MIN_EXPIRY_SECONDS || seconds > MAX_EXPIRY_SECONDS)
      ? [issue('expiresAfterSeconds', EXPIRY)]
      : []),
  ];
}

/** A file without a name of its own: it gets the ending without which OpenAI takes nothing to train on. */
function sentText(text: string): UploadContent {
  async function* content() {
    yield Buffer.from(text);
  }
  return { filename: 'upload.jsonl', content: content() };
}

builder.mutationField('uploadFile', (t) =>
  t.field({
    type: UploadFileResult,
    nullable: false,
    description:
      'Passes a file on to the upstream as it comes; it is stored nowhere on the way. It needs the role `operator`.',
    args: { input: t.arg({ type: UploadFileInput, required: true, description: 'The file.' }) },
    extensions: cost({ calls: 1, weight: () => OBJECTS_PER_CHECK }),
    resolve: resolveMutation<Input, FileUploaded, InvalidTrainingFile | InvalidInput>('uploadFile', 'operator', upload),
  }),
);
