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
  description: 'The severity of an event: information, warning or error.',
  values: {
    INFO: { description: 'Information about the normal course of the job, such as a finished step.' },
    WARN: { description: 'A warning, for example that the job is being cancelled.', raw: ['warn', 'warning'] },
    ERROR: { description: 'An error, such as the reason why the job failed.' },
  },
});

const type = openEnum('FineTuningJobEventType', {
  description: 'The type of an event: text, metrics or moderation checks.',
  values: {
    MESSAGE: { description: 'A message about the job: see `message`.' },
    METRICS: {
      description: 'The metrics of a training step: see `data`. `FineTuningJob.metrics` has them as numbers.',
    },
    MODERATION_CHECKS: {
      description: 'The result of the moderation checks of a new model: see `data`.',
    },
  },
});

/** An event and its job, which the object of the upstream does not have. */
interface JobLogEvent {
  readonly job: Job;
  readonly event: JobEvent;
}

export const FineTuningJobEvent = builder.objectRef<JobLogEvent>('FineTuningJobEvent').implement({
  description: 'An event: an entry of the log of a job.',
  fields: (t) => ({
    id: t.id({
      nullable: false,
      description:
        'The id of the event, such as `ftevent-abc123`. Derived from its content, such as `derived-0a1b2c3d`, when the upstream sends none.',
      resolve: ({ event }) => event.id,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description:
        'The time of the event. Several events can have the same time, and the last events of a job can be later than its `finishedAt`.',
      resolve: ({ event }) => event.created_at,
    }),
    level: t.field({
      type: level.type,
      nullable: false,
      description: 'The severity of the event, such as INFO.',
      resolve: ({ event }) => level.read(event.level),
    }),
    rawLevel: t.string({
      nullable: false,
      description: '`level` as the upstream spells it, such as `info`. Empty when the upstream does not report it.',
      resolve: ({ event }) => event.level,
    }),
    message: t.string({
      nullable: false,
      description:
        'The text of the event for people, such as `Step 10/240: training loss=1.25`. Empty when the upstream does not report it.',
      resolve: ({ event }) => event.message,
    }),
    type: t.field({
      type: type.type,
      description: 'The type of the event, such as METRICS. Null when the upstream does not report it.',
      resolve: ({ event }) => (event.type === null ? null : type.read(event.type)),
    }),
    rawType: t.string({
      description: '`type` as the upstream spells it, such as `metrics`. Null when the upstream does not report it.',
      resolve: ({ event }) => event.type,
    }),
    data: t.field({
      type: 'JSON',
      description:
        'The data of the event, in the form of the REST API. For a training step its metrics, such as `{"step": 10, "train_loss": 1.25}`, with nested objects for reinforcement fine-tuning. For moderation checks `{"blocked": false, "results": [{"flagged": false, "category": "violence", "enforcement": "blocking"}], "finetuned_model_checkpoint_id": "ft:gpt-4.1-mini-2025-04-14:acme::abc123"}`: whether the model is blocked, the result of each category, and the id of the model. For other events an empty object or null.',
      resolve: ({ event }) => event.data,
    }),
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job that logged the event.',
      resolve: ({ job }) => job,
    }),
  }),
});

const FineTuningJobEventConnection = connectionOf(
  'FineTuningJobEvent',
  FineTuningJobEvent,
  'A page of the events of a job, newest first.',
);

builder.objectField(FineTuningJob, 'events', (t) =>
  t.field({
    type: FineTuningJobEventConnection,
    description: 'The events of the job, newest first: the order of the upstream.',
    args: connectionArgs(DEFAULT_FIRST, 'older events'),
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (job, args, { loaders }) => {
      const request = pageRequest(NOUN, DEFAULT_FIRST, args);
      const page = await readFrom(request, () => loaders.events(job.id, request));
      return { ...mapPage(page, (event) => ({ job, event })), after: request.after, noun: NOUN };
    },
  }),
);
