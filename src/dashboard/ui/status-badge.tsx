import type { FineTuningJobStatus } from '../operations/generated.ts';
import { Icon, type IconName } from './icon.tsx';

type Tone = 'neutral' | 'active' | 'good' | 'bad' | 'warning';

interface Look {
  readonly icon: IconName;
  readonly word: string;
  readonly tone: Tone;
}

const LOOKS: Readonly<Record<FineTuningJobStatus, Look>> = {
  VALIDATING_FILES: { icon: 'check-file', word: 'Validating files', tone: 'neutral' },
  QUEUED: { icon: 'clock', word: 'Queued', tone: 'neutral' },
  RUNNING: { icon: 'running', word: 'Running', tone: 'active' },
  PAUSING: { icon: 'pause', word: 'Pausing', tone: 'warning' },
  PAUSED: { icon: 'pause', word: 'Paused', tone: 'warning' },
  RESUMING: { icon: 'play', word: 'Resuming', tone: 'active' },
  CANCELLING: { icon: 'stop', word: 'Cancelling', tone: 'warning' },
  CANCELLED: { icon: 'stop', word: 'Cancelled', tone: 'neutral' },
  SUCCEEDED: { icon: 'check', word: 'Succeeded', tone: 'good' },
  FAILED: { icon: 'cross', word: 'Failed', tone: 'bad' },
  UNKNOWN: { icon: 'question', word: 'Unknown', tone: 'neutral' },
};

/** The word for a status. An unknown one is shown as the upstream spells it. */
export const statusWord = (status: FineTuningJobStatus, rawStatus: string): string =>
  status === 'UNKNOWN' && rawStatus !== '' ? rawStatus : LOOKS[status].word;

/** A status as icon, word and color. */
export function StatusBadge({ status, rawStatus }: { status: FineTuningJobStatus; rawStatus: string }) {
  const { icon, tone } = LOOKS[status];
  return (
    <span class={`badge badge-${tone}`} data-status={status}>
      <Icon name={icon} />
      {statusWord(status, rawStatus)}
    </span>
  );
}
