import { type UploadEnded, uploadEnded } from '../telemetry/events.ts';
import { isOutcomeUnknown } from '../upstream/errors/upstream-error.ts';
import type { FileObject, FileUpload } from '../upstream/resources/file.ts';
import type { TokenCounting } from '../upstream/training-data/example-tokens.ts';
import {
  InvalidTrainingData,
  type TrainingFileReport,
  validateStream,
} from '../upstream/training-data/validating-stream.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';
import { createDelete, type Delete } from './delete.ts';

export interface UploadRequest extends FileUpload {
  /** Whether to validate the content as training data, and to create no file if it is invalid. */
  readonly isTrainingData: boolean;
  /** Whether the report estimates the tokens. */
  readonly isCounted: boolean;
}

/** The result of an upload. Without a file, the report has the errors in the content. */
export type Uploaded =
  | { readonly file: FileObject; readonly report: TrainingFileReport | null }
  | { readonly file: null; readonly report: TrainingFileReport };

export interface FileCommands {
  /** Also rejects with any error of reading `content`; then no file was created. */
  upload(request: UploadRequest): Promise<Uploaded>;
  readonly delete: Delete;
}

async function* measured(content: AsyncIterable<Uint8Array>, size: { bytes: number }): AsyncIterable<Uint8Array> {
  for await (const chunk of content) {
    size.bytes += chunk.length;
    yield chunk;
  }
}

function reportUpload(
  outcome: UploadEnded['outcome'],
  { bytes }: { readonly bytes: number },
  report: TrainingFileReport | null,
): void {
  if (!uploadEnded.hasSubscribers) return;
  const { errorCount = 0, issueCount = 0 } = report ?? {};
  uploadEnded.publish({ outcome, bytes, errors: errorCount, warnings: issueCount - errorCount });
}

export function createFileCommands({ upstream, store }: CommandDependencies, context: CommandContext): FileCommands {
  const deleteFile = createDelete(store.files, upstream.files.delete, context);
  const { access } = context;
  const { invalidation } = store.jobs;
  return {
    async upload({ isTrainingData, isCounted, content: sent, ...rest }) {
      const size = { bytes: 0 };
      const content = uploadEnded.hasSubscribers ? measured(sent, size) : sent;
      const counting: TokenCounting | null = isCounted ? { counter: upstream.tokens, tokenizer: 'byFormat' } : null;
      const validated = isTrainingData ? validateStream(content, counting) : null;
      try {
        const upload = { ...rest, content: validated?.content ?? content };
        const file = await upstream.files.upload(upload, callOf(context));
        store.files.put(access, file.id, file);
        const report = (await validated?.report()) ?? null;
        reportUpload('stored', size, report);
        return { file, report };
      } catch (error) {
        if (isOutcomeUnknown(error)) invalidation.bumpGeneration(access); // The next list shows whether the file exists.
        const isInvalid = validated !== null && error instanceof InvalidTrainingData;
        if (!isInvalid) reportUpload('failed', size, null);
        if (!isInvalid) throw error;
        const report = await validated.report();
        reportUpload('invalid', size, report);
        return { file: null, report };
      }
    },
    async delete(id) {
      try {
        return await deleteFile(id);
      } finally {
        invalidation.markAllStale(access); // A job that is still validating the file fails.
      }
    },
  };
}
