import type { TopicKind } from '../../state/topic.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';

/** How the reads of event logs are shared with other replicas. One process reads them all. */
export interface LogSharing {
  /** Whether this replica reads the logs of the scope for all. */
  readonly isOnDuty: boolean;
  /** Factor of poll intervals. */
  readonly intervalFactor: number;
  /**
   * Sends a part of a log, from its newest event on, to the other replicas that follow it, as far as they may lack it: the
   * upstream has just sent it. `isClosed`: no events will follow.
   */
  publish(jobId: string, segment: LogSegment, isClosed: boolean): void;
  /** Called when subscribers of this replica begin or cease to follow the topic. */
  setInterest(kind: TopicKind, jobId: string, isFollowed: boolean): void;
}
