import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { StartFileFragment } from '../operations/generated.ts';
import { formatBytes } from '../ui/formats.ts';
import { showToast } from '../ui/toast.tsx';
import type { FieldErrors } from './draft/field-errors.ts';
import { METHOD_LABELS } from './draft/hyperparameters.ts';
import { Field } from './field.tsx';
import type { TrainingMethod } from './upload/file-check.ts';
import type { FileFacts } from './upload/file-facts.ts';
import { createUploader } from './upload/upload-state.ts';
import { UploadStatus } from './upload/upload-status.tsx';

interface FileFieldProps {
  path: 'trainingFileId' | 'validationFileId';
  label: string;
  hint: string;
  /** The id of the chosen file; empty without one. */
  value: string;
  files: readonly StartFileFragment[];
  /** The file is checked for it. */
  method: TrainingMethod;
  canUpload: boolean;
  errors: FieldErrors;
  onChoose: (fileId: string) => void;
  onStored: (file: StartFileFragment) => void;
  onMethod: (method: TrainingMethod) => void;
  onUploading: (label: string, isUploading: boolean) => void;
  /** Called with the result of the check of a stored file. */
  onFacts?: (facts: FileFacts) => void;
  /** Actions on the chosen file. */
  children?: ComponentChildren;
}

/** Uploads a file by drop or choice, or chooses an uploaded one. */
export function FileField(props: FileFieldProps) {
  const {
    path,
    label,
    hint,
    value,
    files,
    method,
    canUpload,
    errors,
    onChoose,
    onStored,
    onMethod,
    onUploading,
    onFacts,
    children,
  } = props;
  const callbacks = useRef({ onChoose, onStored });
  callbacks.current = { onChoose, onStored }; // Those of the latest render: an upload takes a while.
  const uploader = useMemo(
    () =>
      createUploader((file) => {
        callbacks.current.onStored(file);
        callbacks.current.onChoose(file.id);
      }),
    [],
  );
  useEffect(() => uploader.cancel, [uploader]);
  useEffect(() => void uploader.checkAgain(method), [uploader, method]);
  const input = useRef<HTMLInputElement>(null);
  const upload = (file: File | undefined) => {
    if (file === undefined) return;
    onChoose(''); // No job should train on the earlier file when this one is refused.
    void uploader.upload(file, method);
  };
  const cancel = () => {
    uploader.cancel();
    input.current?.focus(); // The button disappears.
  };
  const changeMethod = (other: TrainingMethod) => {
    onMethod(other);
    input.current?.focus();
  };
  const { check, phase } = uploader.state.value;
  const isUploading = phase.kind === 'uploading';
  // biome-ignore lint/correctness/useExhaustiveDependencies: the callback is another one with each render.
  useEffect(() => onUploading(label, isUploading), [label, isUploading]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the callback is another one with each render.
  useEffect(() => {
    if (phase.kind !== 'stored' || !check?.report.isComplete) return;
    onFacts?.({ fileId: phase.fileId, exampleCount: check.report.exampleCount, members: check.members });
  }, [phase, check]);
  const otherMethod = phase.kind === 'refused' || phase.kind === 'stored' ? check?.otherMethod : null;
  const isUnlisted = value !== '' && !files.some(({ id }) => id === value);
  const uploadId = `upload-${path}`;
  return (
    <fieldset class="group" aria-describedby={`${uploadId}-hint`}>
      <legend>{label}</legend>
      <p id={`${uploadId}-hint`} class="quiet field-hint">
        {hint}
      </p>
      {canUpload && (
        <DropZone onDrop={upload}>
          <label for={uploadId}>Upload a file, or drop it here</label>
          <input
            ref={input}
            id={uploadId}
            type="file"
            accept=".jsonl,.json,application/jsonl"
            onChange={({ currentTarget }) => {
              upload(currentTarget.files?.[0]);
              currentTarget.value = ''; // The same file can be chosen again, after it was mended.
            }}
          />
        </DropZone>
      )}
      <UploadStatus state={uploader.state.value} label={label} onCancel={cancel}>
        {otherMethod && (
          <button type="button" class="button" onClick={() => changeMethod(otherMethod)}>
            Change the method to {METHOD_LABELS[otherMethod]}
          </button>
        )}
      </UploadStatus>
      <Field path={path} label="Uploaded files" errors={errors}>
        {(attributes) => (
          <select {...attributes} value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
            <option value="">None</option>
            {isUnlisted && <option value={value}>{value}</option>}
            {files.map(({ id, filename, bytes }) => (
              <option key={id} value={id}>
                {`${filename ?? 'unnamed'} · ${id}${bytes === null ? '' : ` · ${formatBytes(bytes)}`}`}
              </option>
            ))}
          </select>
        )}
      </Field>
      {children && <div class="file-actions">{children}</div>}
    </fieldset>
  );
}

function DropZone({ onDrop, children }: { onDrop: (file: File | undefined) => void; children: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault(); // The browser would open the file.
    setOver(false);
    const dropped = event.dataTransfer?.files;
    const [file] = dropped ?? [];
    if (dropped && dropped.length > 1) showToast(`${dropped.length} files were dropped: only ${file?.name} is used.`);
    onDrop(file);
  };
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut for the file input inside.
    <div class="drop-zone" data-over={isOver} onDragOver={over} onDragLeave={() => setOver(false)} onDrop={drop}>
      {children}
    </div>
  );
}
