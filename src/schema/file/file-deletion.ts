import type { Deletion } from '../../upstream/resources/deletion.ts';
import { builder } from '../core/builder.ts';
import { notFound } from '../mutation/failure.ts';
import { NotFoundError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { denialOf, ViewerDenialReason } from '../mutation/viewer-denial.ts';
import { File } from './file.ts';

const ROLE = 'operator';

const DeleteFileInput = builder.inputType('DeleteFileInput', {
  description: 'The file to delete.',
  fields: (t) => ({ fileId: t.id({ required: true, description: 'The id of the file, such as `file-abc123`.' }) }),
});

defineMutation({
  name: 'deleteFile',
  role: ROLE,
  description:
    'Deletes a file permanently. A job that is still validating the file fails; other jobs and models remain.',
  cost: { calls: 1 },
  input: DeleteFileInput,
  idOfInput: ({ fileId }) => fileId,
  result: 'The id of the deleted file, or the reason why the file was not deleted.',
  success: {
    description: 'The file is deleted permanently.',
    affectedId: ({ id }: Deletion) => id,
    fields: (t) => ({
      deletedFileId: t.exposeID('id', { nullable: false, description: 'The id of the deleted file.' }),
    }),
  },
  failures: [NotFoundError],
  failureCases: ['`NotFoundError`: no file has the id `fileId`.'],
  run: async ({ fileId }, { commands }) =>
    (await commands.files.delete(fileId)) ?? notFound('fileId', 'file', 'file-abc123', fileId),
});

builder.objectFields(File, (t) => ({
  viewerCanDelete: t.boolean({
    nullable: false,
    description:
      'Whether to offer `deleteFile`: the gateway and the role of the caller allow it. The upstream can still reject it.',
    resolve: (_file, _args, context) => denialOf(ROLE, context) === null,
  }),
  deleteDenial: t.field({
    type: ViewerDenialReason,
    description: 'Why `viewerCanDelete` is false. Null when it is true.',
    resolve: (_file, _args, context) => denialOf(ROLE, context),
  }),
}));
