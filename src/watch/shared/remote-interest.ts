import type { Topic } from '../../state/topic.ts';
import { JobNotFound } from '../poll/watch-errors.ts';

/** The topics that subscribers of other replicas follow, while this replica polls for them. */
export interface RemoteInterest {
  has(topic: Topic): boolean;
  update(topics: ReadonlySet<Topic>): void;
  dispose(): void;
}

export interface RemoteInterestOptions {
  /** Begins to poll a topic. Returns the function that ends it. `onEnd` is called when the polls end with an error. */
  follow: (topic: Topic, onEnd: (error: Error) => void) => () => void;
  /** Called when the polls of a topic have failed permanently. */
  onFailed: (topic: Topic) => void;
}

export function createRemoteInterest({ follow, onFailed }: RemoteInterestOptions): RemoteInterest {
  const stops = new Map<Topic, () => void>();

  function add(topic: Topic): void {
    stops.set(topic, () => {}); // It may end at once.
    const stop = follow(topic, (error) => {
      stops.delete(topic);
      if (!(error instanceof JobNotFound)) onFailed(topic); // All replicas get the absence of a job.
    });
    if (stops.has(topic)) stops.set(topic, stop);
    else stop();
  }

  function remove(topic: Topic): void {
    const stop = stops.get(topic);
    stops.delete(topic);
    stop?.();
  }

  return {
    has: (topic) => stops.has(topic),
    update(topics) {
      for (const topic of [...stops.keys()]) if (!topics.has(topic)) remove(topic);
      for (const topic of topics) if (!stops.has(topic)) add(topic);
    },
    dispose() {
      for (const topic of [...stops.keys()]) remove(topic);
    },
  };
}
