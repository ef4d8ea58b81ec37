import { contentUrl } from '../data/download.ts';
import type { RequestError } from '../data/request-error.ts';
import type { JobFileFragment } from '../operations/generated.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { DownloadLink } from '../ui/download-link.tsx';
import { formatBytes } from '../ui/formats.ts';
import { Fact, Group } from './fact.tsx';
import type { JobDetails } from './job-store.ts';

/** The files of a job with links to their contents. `errors` are those of the fields of the job. */
export function Files({ job, errors }: { job: JobDetails; errors: readonly RequestError[] }) {
  const failureOf = (...path: (string | number)[]) => failureAt(errors, ['fineTuningJob', ...path]);
  return (
    <Group title="Files">
      <FileFact name="Training" id={job.trainingFileId} file={job.trainingFile} failure={failureOf('trainingFile')} />
      <FileFact
        name="Validation"
        id={job.validationFileId}
        file={job.validationFile}
        failure={failureOf('validationFile')}
      />
      {job.resultFileIds.map((id, index) => (
        <FileFact
          key={id}
          name="Result"
          id={id}
          file={job.resultFiles.find((file) => file?.id === id) ?? null}
          failure={failureOf('resultFiles', index)}
        />
      ))}
    </Group>
  );
}

/** The error of the field at this path, or of a field around it. */
const failureAt = (errors: readonly RequestError[], target: readonly (string | number)[]): RequestError | undefined =>
  errors.find(({ path }) => path.length > 1 && path.every((part, index) => part === target[index]));

interface FileFactProps {
  name: string;
  id: string | null;
  file: JobFileFragment | null;
  failure: RequestError | undefined;
}

/** A file that is deleted, or that could not be read, has an id only. */
function FileFact({ name, id, file, failure }: FileFactProps) {
  if (id === null) return null;
  const label = file?.filename ?? id;
  const problem =
    file !== null
      ? 'Your role may not read the content.'
      : failure
        ? `The file could not be read: ${failure.message}`
        : 'The file does not exist any more.';
  return (
    <Fact name={name}>
      <span class="id">
        {file?.contentUrl ? (
          <DownloadLink url={contentUrl(file.contentUrl)} filename={label} isPlain>
            {label}
          </DownloadLink>
        ) : (
          <span title={problem}>{label}</span>
        )}
        {file?.bytes != null && <span class="quiet"> {formatBytes(file.bytes)}</span>}
        {file === null && <span class="quiet">{failure ? ' could not be read' : ' deleted'}</span>}
        <CopyButton text={id} label={`id of the file ${id}`} />
      </span>
    </Fact>
  );
}
