import { defineDeletion } from '../mutation/deletion.ts';

defineDeletion({
  name: 'Model',
  role: 'admin',
  deleteOf: ({ models }) => models.delete,
  texts: {
    does: 'Deletes a fine-tuned model, for good.',
    success: 'The model is gone, for good; the job that made it stays.',
    deletedId: 'The name of the model.',
    input: 'Which model is to be deleted.',
    id: 'The name of a fine-tuned model.',
    expected: 'the name of a model',
  },
});
