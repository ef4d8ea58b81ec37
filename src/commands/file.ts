import { isOutcomeUnknown } from '../upstream/errors/upstream-error.ts';
import type { FileObject, FileUpload } from '../upstream/resources/file.ts';
import {
  InvalidTrainingData,
  type TrainingFileReport,
  validateStream,
} from '../upstream/training-data/validating-stream.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';
import { createDelete, type Delete } from './delete.ts';

/** A file on its way up. */
export interface UploadRequest extends FileUpload {
  /** Whether it is checked as such, and not made with errors in it. */
  readonly isTrainingData: boolean;
}

/** What came of it: without a file the report says why. */
export type Uploaded =
  | { readonly file: FileObject; readonly report: TrainingFileReport | null }
  | { readonly file: null; readonly report: TrainingFileReport };

export interface FileCommands {
  /** Rejects also with what the content throws: then no file was made. */
  upload(request: UploadRequest): Promise<Uploaded>;
  readonly delete: Delete;
}

export function createFileCommands({ upstream, store }: CommandDependencies, changer: CommandContext): FileCommands {
  const remove = createDelete(store.files, upstream.files.delete, changer);
  return {
    async upload({ isTrainingData, content: given, ...rest }) {
      const { access } = changer;
      const checked = isTrainingData ? validateStream(given) : null;
      try {
        const upload = { ...rest, content: checked?.content ?? given };
        const file = await upstream.files.upload(upload, callOf(changer));
        store.files.put(access, file.id, file);
        return { file, report: (await checked?.report()) ?? null };
      } catch (error) {
        if (isOutcomeUnknown(error)) store.jobs.invalidation.bumpGeneration(access); // The next list shows it, or not.
        if (checked === null || !(error instanceof InvalidTrainingData)) throw error;
        return { file: null, report: await checked.report() };
      }
    },
    async delete(id) {
      try {
        return await remove(id);
      } finally {
        store.jobs.invalidation.markAllStale(changer.access); // A job that still validates it fails.
      }
    },
  };
}
