import { shownSeconds } from '../live/shown-time.ts';
import { formatDuration, formatNumber } from '../ui/formats.ts';
import { StatusBadge } from '../ui/status-badge.tsx';
import { durationsOf } from './durations.ts';
import type { JobDetails } from './job-store.ts';

/** The state of a job in one line. Its height is the same in every state. */
export function Summary({ job }: { job: JobDetails }) {
  const { status, rawStatus, progress, isTerminal, modelId } = job;
  const { waited, sinceStart, left } = durationsOf(job, isTerminal ? 0 : shownSeconds.value);
  const percent = progress?.fraction == null ? null : Math.floor(progress.fraction * 100);
  return (
    <div class="job-summary">
      <StatusBadge status={status} rawStatus={rawStatus} />
      <span class="job-model">{modelId}</span>
      {percent !== null && (
        <>
          <progress class="job-progress" max={100} value={percent} aria-label="Progress of the training" />
          <span>{percent} %</span>
        </>
      )}
      {progress?.step != null && (
        <span class="quiet">
          step {formatNumber(progress.step)}
          {progress.totalSteps !== null && ` of ${formatNumber(progress.totalSteps)}`}
        </span>
      )}
      {sinceStart === null
        ? waited !== null && <span class="quiet">waiting for {formatDuration(waited)}</span>
        : sinceStart > 0 && (
            <span class="quiet">
              {formatDuration(sinceStart)} {isTerminal ? 'from start to end' : 'since its start'}
            </span>
          )}
      {left !== null && <span>{formatDuration(left)} left</span>}
      <button type="button" class="button to-facts" onClick={showFacts}>
        Facts
      </button>
    </div>
  );
}

/** On a narrow page, the facts are below the curves and the events. The hash of the URL is the route, so no link does it. */
function showFacts(): void {
  const facts = document.getElementById('job-facts');
  facts?.scrollIntoView();
  facts?.focus({ preventScroll: true });
}
