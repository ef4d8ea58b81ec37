/** The kinds of data about one job that subscribers follow. */
export type TopicKind = 'job' | 'events' | 'progress';

/** A subject that subscribers follow: data about one job, or all jobs of the account. */
export type Topic = `${TopicKind} ${string}` | typeof ALL_JOBS;

/** The topic of all jobs of the account. */
export const ALL_JOBS = 'jobs';

export const topicOf = (kind: TopicKind, jobId: string): Topic => `${kind} ${jobId}`;

const TOPIC = /^(job|events|progress) (.*)$/s;

/** Returns the parts of a topic; null for that of all jobs. */
export function partsOf(topic: Topic): { readonly kind: TopicKind; readonly jobId: string } | null {
  const [, kind, jobId] = TOPIC.exec(topic) ?? [];
  return kind === undefined || jobId === undefined ? null : { kind: kind as TopicKind, jobId }; // As the pattern says.
}

/** Returns those of the texts that are topics. */
export const topicsOf = (texts: readonly string[]): Topic[] => texts.filter(isTopic);

const isTopic = (text: string): text is Topic => text === ALL_JOBS || TOPIC.test(text);
