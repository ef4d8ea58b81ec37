import type { JobEvent } from '../../upstream/resources/event.ts';
import type { AddedItem } from '../../watch/streams/event-stream.ts';
import type { EventStart } from '../../watch/streams/log-reader.ts';
import { builder } from '../core/builder.ts';
import { badUserInput } from '../core/errors.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { FineTuningJobEvent } from './event.ts';

const FineTuningJobEventAdded = builder.objectRef<AddedItem<JobEvent>>('FineTuningJobEventAdded').implement({
  description: "A line that was added to a job's log.",
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job, as it was last seen then.',
      resolve: ({ job }) => job,
    }),
    event: t.field({
      type: FineTuningJobEvent,
      nullable: false,
      description: 'The line. Its id is where to go on after a break: see `since`.',
      resolve: ({ job, value }) => ({ job, event: value }),
    }),
  }),
});

builder.subscriptionField('fineTuningJobEventAdded', (t) =>
  t.field({
    type: FineTuningJobEventAdded,
    nullable: false,
    description:
      "What is added to a job's log, oldest first; completes after the last. None is left out and none comes twice, however slow the reader is. NOT_FOUND when there is no such job, or when it is deleted.",
    args: {
      jobId: t.arg.id({ required: true, description: "The job's id." }),
      since: t.arg.id({
        description: 'Begins behind the event with this id; with what is added from now on when left out.',
      }),
      fromStart: t.arg.boolean({
        defaultValue: false,
        description: 'Begins with the first event. Not together with `since`.',
      }),
    },
    extensions: cost({ calls: 2 }),
    subscribe: (_root, { jobId, since, fromStart }, { feeds }) => feeds.events(jobId, startOf(since, fromStart)),
    resolve: (added: AddedItem<JobEvent>) => added,
  }),
);

function startOf(since: string | null | undefined, fromStart: boolean | null | undefined): EventStart {
  if (since != null && fromStart) throw badUserInput('since', 'to be left out when fromStart is true');
  if (since != null) return { kind: 'since', id: since };
  return { kind: fromStart ? 'start' : 'now' };
}
