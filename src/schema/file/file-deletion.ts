import { defineDeletion } from '../mutation/deletion.ts';

defineDeletion({
  name: 'File',
  role: 'operator',
  deleteOf: ({ files }) => files.delete,
  texts: {
    does: 'Deletes a file, for good.',
    success: 'The file is gone, for good. A job that was still validating it fails.',
    deletedId: 'The id of the file.',
    input: 'Which file is to be deleted.',
    id: 'The id of the file, `file-…`.',
    expected: 'the id of a file',
  },
});
