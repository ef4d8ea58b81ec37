import type { JobEvent } from '../../upstream/resources/event.ts';
import { type Added, type AddedItem, requireReadable } from '../../watch/streams/event-stream.ts';
import type { EventStart } from '../../watch/streams/log-reader.ts';
import { builder } from '../core/builder.ts';
import { badUserInput } from '../core/errors.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { FineTuningJobEvent } from './event.ts';

const FineTuningJobEventAdded = builder.objectRef<AddedItem<JobEvent>>('FineTuningJobEventAdded').implement({
  description: 'An event of a job that was added to its log, and the job.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job in the last state that the gateway observed.',
      resolve: ({ job }) => job,
    }),
    event: t.field({
      type: FineTuningJobEvent,
      nullable: false,
      description:
        'The event. To continue after a broken connection, pass the id of the last received event as `since`.',
      resolve: ({ job, value }) => ({ job, event: value }),
    }),
  }),
});

builder.subscriptionField('fineTuningJobEventAdded', (t) =>
  t.field({
    type: FineTuningJobEventAdded,
    nullable: false,
    description:
      'The events of a job, oldest first: by default only new ones. Completes after the last event, at most about a minute after the job ended. Delivers each event exactly once, also to a slow client. An event that the upstream inserts behind others comes when the gateway observes it, even if newer ones were delivered. An event that the upstream sends in an invalid form is a result with the error UPSTREAM_INVALID_RESPONSE, and the stream continues. Fails with NOT_FOUND when the job does not exist or is deleted.',
    args: {
      jobId: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }),
      since: t.arg.id({
        description:
          'The id of an event, such as `ftevent-abc123`: the stream starts after it, in the order of the upstream. First come the events that the upstream inserted behind it while the gateway had it in memory: the client can already have those, so it has to compare ids. It must be one of the newest 50000 events of the job; each page of 100 events that the gateway reads back costs one point. By default, and when null, the stream starts with the next new event.',
      }),
      fromStart: t.arg.boolean({
        defaultValue: false,
        description:
          'Whether the stream starts with the first event of the job; each page of 100 events that the gateway reads back costs one point. By default, and when null, false. True cannot be combined with `since`.',
      }),
    },
    extensions: cost({ calls: 2 }),
    subscribe: (_root, { jobId, since, fromStart }, { feeds }) => feeds.events(jobId, startOf(since, fromStart)),
    resolve: (added: Added<JobEvent>) => requireReadable(added),
  }),
);

function startOf(since: string | null | undefined, fromStart: boolean | null | undefined): EventStart {
  if (since != null && fromStart)
    throw badUserInput('since', 'is given together with fromStart: true; expected only one of the two');
  if (since != null) return { kind: 'since', id: since };
  return { kind: fromStart ? 'start' : 'now' };
}
