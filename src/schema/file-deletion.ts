import { builder } from './builder.ts';
import { type NotFound, notFound } from './failure.ts';
import { COMMON_FAILURES, NotFoundError } from './failure-types.ts';
import { mutating } from './mutation.ts';
import { costs } from './price.ts';

/** A file that is gone. */
class FileDeleted {
  readonly doneId: string;

  constructor(id: string) {
    this.doneId = id;
  }
}

const DeleteFileSuccess = builder.objectType(FileDeleted, {
  name: 'DeleteFileSuccess',
  isTypeOf: (value) => value instanceof FileDeleted,
  description: 'The file is gone, for good. A job that was still validating it fails.',
  fields: (t) => ({
    deletedFileId: t.id({ nullable: false, description: 'The id of the file.', resolve: ({ doneId }) => doneId }),
  }),
});

const DeleteFileInput = builder.inputType('DeleteFileInput', {
  description: 'Which file is to be deleted.',
  fields: (t) => ({ fileId: t.id({ required: true, description: 'The id of the file, `file-…`.' }) }),
});

builder.mutationField('deleteFile', (t) =>
  t.field({
    type: builder.unionType('DeleteFileResult', {
      description: 'What came of it.',
      types: [DeleteFileSuccess, NotFoundError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description: 'Deletes a file, for good. It needs the role `operator`.',
    args: { input: t.arg({ type: DeleteFileInput, required: true, description: 'Which file.' }) },
    extensions: costs({ calls: 1 }),
    resolve: mutating<typeof DeleteFileInput.$inferInput, FileDeleted, NotFound>(
      'deleteFile',
      'operator',
      async ({ fileId }, { changes }) => {
        const deletion = await changes.files.delete(fileId);
        return deletion ? new FileDeleted(deletion.id) : notFound('fileId', 'the id of a file', fileId);
      },
      ({ fileId }) => fileId,
    ),
  }),
);
