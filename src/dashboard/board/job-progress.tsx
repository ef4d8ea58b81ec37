import { shownSeconds } from '../live/shown-time.ts';
import type { BoardJobFragment } from '../operations/generated.ts';
import { formatDuration, formatRoughly } from '../ui/formats.ts';
import { type Progress, progressOf } from './job-store.ts';

/** The progress of a job that has not ended, and the duration of one that has. */
export function JobProgress({ job }: { job: BoardJobFragment }) {
  const progress = progressOf(job.id).value;
  if (job.isTerminal) {
    return job.finishedAt === null ? (
      <span class="quiet none">–</span>
    ) : (
      <span class="quiet" title="From its creation to its end">
        <span class="took">took </span>
        {formatDuration(job.finishedAt - job.createdAt)}
      </span>
    );
  }
  if (progress === null) return <span class="quiet none">–</span>;
  const percent = progress.fraction === null ? null : Math.floor(progress.fraction * 100);
  return (
    <span class="row-progress" title={stepText(progress)}>
      {percent !== null && (
        <span
          class="bar"
          role="progressbar"
          aria-label="Progress"
          aria-valuenow={percent}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <span style={{ width: `${percent}%` }} />
        </span>
      )}
      <span class="row-progress-text">
        {percent === null ? <span>{stepText(progress)}</span> : <span>{percent} %</span>}
        <TimeLeft until={progress.estimatedFinishAt} />
      </span>
    </span>
  );
}

function TimeLeft({ until }: { until: number | null }) {
  if (until === null) return null;
  const left = until - shownSeconds.value;
  return (
    <span class="quiet" title={`${formatDuration(left)} left`}>
      {formatRoughly(left)} left
    </span>
  );
}

const stepText = ({ step, totalSteps }: NonNullable<Progress>): string =>
  step === null ? '' : totalSteps === null ? `Step ${step}` : `Step ${step} of ${totalSteps}`;
