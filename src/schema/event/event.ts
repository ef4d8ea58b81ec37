import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, mapPage, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { openEnum } from '../core/open-enum.ts';
import { FineTuningJob } from '../job/job.ts';

const NOUN = 'event';
const DEFAULT_FIRST = 20;

const level = openEnum('FineTuningJobEventLevel', {
  description: 'How serious an event is.',
  values: {
    INFO: { description: 'All is well.' },
    WARN: { description: 'Something that a person should know.', raw: ['warn', 'warning'] },
    ERROR: { description: 'Something went wrong.' },
  },
});

const type = openEnum('FineTuningJobEventType', {
  description: 'What an event is about.',
  values: {
    MESSAGE: { description: 'Something happened.' },
    METRICS: { description: 'A step was made, and `data` says what was measured.' },
  },
});

/** An event, and the job whose log has it: the upstream's own object does not say. */
interface LoggedEvent {
  readonly job: Job;
  readonly event: JobEvent;
}

export const FineTuningJobEvent = builder.objectRef<LoggedEvent>('FineTuningJobEvent').implement({
  description: "A line of a job's log.",
  fields: (t) => ({
    id: t.id({ nullable: false, description: "The upstream's own id.", resolve: ({ event }) => event.id }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'When it happened. Several events can share a second, and the last ones come after `finishedAt`.',
      resolve: ({ event }) => event.created_at,
    }),
    level: t.field({
      type: level.type,
      nullable: false,
      description: 'How serious it is.',
      resolve: ({ event }) => level.read(event.level),
    }),
    rawLevel: t.string({
      nullable: false,
      description: '`level` as the upstream spells it.',
      resolve: ({ event }) => event.level,
    }),
    message: t.string({ nullable: false, description: 'For people.', resolve: ({ event }) => event.message }),
    type: t.field({
      type: type.type,
      description: 'What it is about; null when the upstream does not tell.',
      resolve: ({ event }) => (event.type === null ? null : type.read(event.type)),
    }),
    rawType: t.string({ description: '`type` as the upstream spells it.', resolve: ({ event }) => event.type }),
    data: t.field({
      type: 'JSON',
      description:
        'What the upstream has beside the message: for a step all that was measured, nested for reinforcement; else an empty object or null.',
      resolve: ({ event }) => event.data,
    }),
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job whose log this is.',
      resolve: ({ job }) => job,
    }),
  }),
});

const FineTuningJobEventConnection = connectionOf(
  'FineTuningJobEvent',
  FineTuningJobEvent,
  "A page of a job's log, newest first.",
);

builder.objectField(FineTuningJob, 'events', (t) =>
  t.field({
    type: FineTuningJobEventConnection,
    description: 'Its log, newest first, as the upstream has it.',
    args: connectionArgs(DEFAULT_FIRST, 'earlier events'),
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (job, args, { loaders }) => {
      const request = pageRequest(NOUN, DEFAULT_FIRST, args);
      const page = await readFrom(request, () => loaders.events(job.id, request));
      return { ...mapPage(page, (event) => ({ job, event })), after: request.after, noun: NOUN };
    },
  }),
);
