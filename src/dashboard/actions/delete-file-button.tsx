import { query } from '../data/graphql-client.ts';
import { DeleteUploadedFile, type StartFileFragment } from '../operations/generated.ts';
import { DeleteButton } from './delete-button.tsx';

/** Deletes an uploaded file. Not shown when the caller may not delete it. */
export function DeleteFileButton({ file, onDeleted }: { file: StartFileFragment; onDeleted: () => void }) {
  if (!file.viewerCanDelete) return null;
  return (
    <DeleteButton
      label="Delete the file"
      question="Delete this file?"
      effect="The file is deleted permanently. A job that is still validating it fails; other jobs and models remain."
      name={`${file.filename ?? 'unnamed'} · ${file.id}`}
      operation={() => query(DeleteUploadedFile, { fileId: file.id })}
      onDeleted={onDeleted}
    />
  );
}
