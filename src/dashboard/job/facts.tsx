import type { RequestError } from '../data/request-error.ts';
import { shownSeconds } from '../live/shown-time.ts';
import { formatDuration, formatNumber, formatTime } from '../ui/formats.ts';
import { durationsOf } from './durations.ts';
import type { EstimateStore } from './estimate-store.ts';
import { Fact, Group, Id, ModelId, Rows } from './fact.tsx';
import { rowsOf } from './fact-rows.ts';
import { Files } from './files.tsx';
import type { JobDetails } from './job-store.ts';

interface FactsProps {
  job: JobDetails;
  errors: readonly RequestError[];
  estimates: EstimateStore;
}

/** All facts of a job. */
export function Facts({ job, errors, estimates }: FactsProps) {
  const estimate = estimates.estimate.value;
  const estimatedCost = estimate?.estimatedCost ?? null;
  const { method, integrations, metadata, checkpoints } = job;
  const hyperparameters =
    (method !== null && 'hyperparameters' in method && method.hyperparameters) || job.hyperparameters;
  return (
    <aside id="job-facts" class="job-facts" aria-label="Facts" tabIndex={-1}>
      <Group title="Job">
        <Id name="Id" id={job.id} />
        <ModelId name="Fine-tuned model" id={job.fineTunedModelId} />
        <Fact name="Base model">{job.modelId}</Fact>
        <Fact name="Suffix">{job.suffix}</Fact>
        <Fact name="Organization">{job.organizationId}</Fact>
        <Fact name="Seed">{job.seed}</Fact>
        <Fact name="Trained tokens">{numberText(job.trainedTokens)}</Fact>
        {job.trainedTokens === null && (
          <Fact name="Estimated tokens">{numberText(estimate?.estimatedTrainingTokens ?? null)}</Fact>
        )}
        <Fact name="Estimated cost">{estimatedCost && `${estimatedCost.amount} ${estimatedCost.currency}`}</Fact>
        <Fact name="Estimate">{estimates.error.value && `could not be read: ${estimates.error.value.message}`}</Fact>
      </Group>
      <Times job={job} />
      <Group title="Method">
        <Fact name="Type">{method?.rawType}</Fact>
        <Rows rows={rowsOf(hyperparameters)} />
      </Group>
      {method !== null && 'grader' in method && method.grader && <Grader grader={method.grader} />}
      <Files job={job} errors={errors} />
      {checkpoints !== null && checkpoints.nodes.length > 0 && (
        <Group title="Checkpoints">
          {checkpoints.nodes.map(
            (node) =>
              node && (
                <ModelId key={node.id} name={`Step ${formatNumber(node.stepNumber)}`} id={node.fineTunedModelId} />
              ),
          )}
        </Group>
      )}
      {integrations.map((integration) => (
        <Group key={JSON.stringify(integration)} title={`Integration ${integration.rawType}`}>
          <Rows rows={rowsOf(integration).filter(([name]) => name !== 'Type')} />
        </Group>
      ))}
      {metadata.length > 0 && (
        <Group title="Metadata">
          <Rows rows={metadata.map(({ key, value }) => [key, value])} />
        </Group>
      )}
    </aside>
  );
}

function Times({ job }: { job: JobDetails }) {
  const { waited, sinceStart, left } = durationsOf(job, job.isTerminal ? 0 : shownSeconds.value);
  return (
    <Group title="Times">
      <Fact name="Created">{formatTime(job.createdAt)}</Fact>
      <Fact name="Started">{job.startedAt && formatTime(job.startedAt)}</Fact>
      <Fact name="Ended">{job.endedAt && formatTime(job.endedAt)}</Fact>
      <Fact name="Waited">{waited !== null && formatDuration(waited)}</Fact>
      <Fact name={job.isTerminal ? 'Start to end' : 'Since start'}>
        {sinceStart !== null && formatDuration(sinceStart)}
      </Fact>
      <Fact name="Time left">{left !== null && formatDuration(left)}</Fact>
    </Group>
  );
}

type GraderFragment = NonNullable<Extract<NonNullable<JobDetails['method']>, { grader: unknown }>['grader']>;

/** A grader, and those that a multigrader combines. */
function Grader({ grader }: { grader: GraderFragment }) {
  return (
    <Group title="Grader">
      <Rows rows={rowsOf(grader).filter(([name]) => name !== 'Graders')} />
      {'graders' in grader &&
        grader.graders.map((part) => (
          <div key={part.name} class="fact-part">
            <dt>{part.name}</dt>
            <dd>
              <dl>
                <Rows rows={rowsOf(part.grader)} />
              </dl>
            </dd>
          </div>
        ))}
    </Group>
  );
}

const numberText = (value: number | null) => (value === null ? null : formatNumber(value));
