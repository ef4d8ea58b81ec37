import { jobHref } from '../app/router.ts';
import type { BoardJobFragment, FineTuningJobMethodType } from '../operations/generated.ts';
import { RelativeTime } from '../ui/relative-time.tsx';
import { StatusBadge } from '../ui/status-badge.tsx';
import { jobName } from './board-view.ts';
import { JobProgress } from './job-progress.tsx';
import { SelectBox } from './selection.tsx';
import { Sparkline } from './sparkline.tsx';

interface JobRowProps {
  job: BoardJobFragment;
  /** From 0. */
  index: number;
  top: number;
  onFocus: () => void;
}

export function JobRow({ job, index, top, onFocus }: JobRowProps) {
  const { id, status, rawStatus, modelId, createdAt, metadata } = job;
  const details = [...metadata.map(({ key, value }) => `${key}=${value}`), ...(job.suffix ? [id] : [])].join(' · ');
  return (
    <tr
      aria-rowindex={index + 2}
      class="job-row"
      data-job={id}
      style={{ transform: `translateY(${top}px)` }}
      onFocusIn={onFocus}
    >
      <td class="job-select">
        <SelectBox jobId={id} name={jobName(job)} />
      </td>
      <td class="job-status">
        <StatusBadge status={status} rawStatus={rawStatus} />
      </td>
      <td class="job-name">
        <a href={jobHref(id)} title={jobName(job)}>
          {jobName(job)}
        </a>
        <span class="quiet" title={details}>
          {details}
        </span>
      </td>
      <td class="row-model" title={modelId}>
        {modelId}
      </td>
      <td class="job-method">{job.method && methodWord(job.method.type, job.method.rawType)}</td>
      <td class="row-progress-cell">
        <JobProgress job={job} />
      </td>
      <td class="job-curve">
        <Sparkline jobId={id} />
      </td>
      <td class="job-age">
        <RelativeTime at={createdAt} />
      </td>
    </tr>
  );
}

const METHOD_WORDS: Readonly<Record<FineTuningJobMethodType, string>> = {
  SUPERVISED: 'Supervised',
  DPO: 'DPO',
  REINFORCEMENT: 'Reinforcement',
  UNKNOWN: 'Unknown',
};

/** The word for a method. An unknown one is shown as the upstream spells it. */
export const methodWord = (type: FineTuningJobMethodType, rawType: string): string =>
  type === 'UNKNOWN' && rawType !== '' ? rawType : METHOD_WORDS[type];
