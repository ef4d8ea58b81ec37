import { useLayoutEffect, useState } from 'preact/hooks';
import { DeleteFileButton } from '../actions/delete-file-button.tsx';
import { DENIALS } from '../actions/denial.ts';
import { session } from '../data/session.ts';
import type { Draft, DraftValues } from './draft/draft.ts';
import type { FieldErrors } from './draft/field-errors.ts';
import { Estimate } from './estimate.tsx';
import { FileField } from './file-field.tsx';
import { addFile, files, loadFiles, nextFiles, removeFile } from './start-options.ts';
import type { TrainingMethod } from './upload/file-check.ts';
import type { FileFacts } from './upload/file-facts.ts';

/** Of OpenAI. */
const MAX_EPOCHS = 50;

interface FileFieldsProps {
  values: DraftValues;
  errors: FieldErrors;
  change: Draft['change'];
  onUploading: (label: string, isUploading: boolean) => void;
  /** Called with the result of the check of the training file. */
  onFacts: (facts: FileFacts) => void;
}

/** The training file with its estimate, and the validation file. */
export function FileFields({ values, errors, change, onUploading, onFacts }: FileFieldsProps) {
  const [deletions, setDeletions] = useState(0);
  useLayoutEffect(() => {
    if (deletions > 0) document.getElementById('field-trainingFileId')?.focus(); // The button has disappeared.
  }, [deletions]);
  const denial = session.value?.viewer.uploadFileDenial ?? null;
  const { trainingFileId, validationFileId, modelId } = values;
  const shared = {
    files: files.value,
    method: values.method,
    canUpload: denial === null,
    errors,
    onStored: addFile,
    onUploading,
    onMethod: (method: TrainingMethod) => change({ method }),
  };
  const nEpochs = readEpochs(values.hyperparameters['nEpochs']);
  const chosen = files.value.find(({ id }) => id === trainingFileId);
  const after = nextFiles.value;
  return (
    <>
      {denial !== null && <p class="quiet">You cannot upload files now. {DENIALS[denial]}</p>}
      <FileField
        {...shared}
        path="trainingFileId"
        label="Training file"
        hint="JSON Lines: one example per line. It is checked for the method below while it is uploaded."
        value={trainingFileId}
        onChoose={(id) => change({ trainingFileId: id })}
        onFacts={onFacts}
      >
        {trainingFileId !== '' && (
          <Estimate
            key={`${trainingFileId} ${modelId} ${nEpochs} ${values.method}`}
            fileId={trainingFileId}
            modelId={modelId}
            nEpochs={nEpochs}
            method={values.method}
            onCount={(exampleCount) => onFacts({ fileId: trainingFileId, exampleCount, members: null })}
          />
        )}
        {after !== null && (
          <button type="button" class="button" onClick={() => loadFiles(after)}>
            List older files
          </button>
        )}
        {chosen && (
          <DeleteFileButton
            file={chosen}
            onDeleted={() => {
              removeFile(chosen.id);
              change({ trainingFileId: '' });
              setDeletions(deletions + 1);
            }}
          />
        )}
      </FileField>
      <FileField
        {...shared}
        path="validationFileId"
        label="Validation file"
        hint="Optional: examples that the job measures and does not train on."
        value={validationFileId}
        onChoose={(id) => change({ validationFileId: id })}
      />
    </>
  );
}

/** Null for auto, and for what no argument `nEpochs` accepts: the form shows that error when it is sent. */
function readEpochs(text = ''): number | null {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= MAX_EPOCHS ? number : null;
}
