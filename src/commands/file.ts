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

export function createFileCommands({ upstream, store }: CommandDependencies, context: CommandContext): FileCommands {
  const deleteFile = createDelete(store.files, upstream.files.delete, context);
  const { access } = context;
  const { invalidation } = store.jobs;
  return {
    async upload({ isTrainingData, isCounted, content, ...rest }) {
      const counting: TokenCounting | null = isCounted ? { counter: upstream.tokens, tokenizer: 'byFormat' } : null;
      const validated = isTrainingData ? validateStream(content, counting) : null;
      try {
        const upload = { ...rest, content: validated?.content ?? content };
        const file = await upstream.files.upload(upload, callOf(context));
        store.files.put(access, file.id, file);
        return { file, report: (await validated?.report()) ?? null };
      } catch (error) {
        if (isOutcomeUnknown(error)) invalidation.bumpGeneration(access); // The next list shows whether the file exists.
        if (validated === null || !(error instanceof InvalidTrainingData)) throw error;
        return { file: null, report: await validated.report() };
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
