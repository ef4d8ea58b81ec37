import { useEffect, useState } from 'preact/hooks';
import { query } from '../data/graphql-client.ts';
import { DeleteTunedModel, ModelDeletion } from '../operations/generated.ts';
import { DeleteButton } from './delete-button.tsx';
import { isDeleted, recordDeletion } from './deleted-models.ts';

/** Deletes a fine-tuned model. Not shown when the model does not exist any more, or the caller may not delete it. */
export function DeleteModelButton({ modelId }: { modelId: string }) {
  const [canDelete, setCanDelete] = useState(false);
  useEffect(() => {
    const controller = new AbortController();
    void query(ModelDeletion, { modelId }, controller.signal).then((answer) => {
      if (controller.signal.aborted || !answer.ok) return;
      const { model } = answer.data;
      if (model === null && answer.errors.length === 0) recordDeletion(modelId);
      setCanDelete(model?.viewerCanDelete === true);
    });
    return () => controller.abort();
  }, [modelId]);
  if (!canDelete) return null;
  return (
    <DeleteButton
      label="Delete the model"
      question="Delete this model?"
      effect="The model is deleted permanently: requests to it fail from then on. The job and its files remain."
      name={modelId}
      operation={() => query(DeleteTunedModel, { modelId })}
      reason={isDeleted(modelId) ? 'The model is deleted.' : null}
      onDeleted={() => recordDeletion(modelId)}
    />
  );
}
