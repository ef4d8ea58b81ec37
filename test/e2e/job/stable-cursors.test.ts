import { expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

const numbered = <T>(from: number, to: number, make: (number: number) => T) =>
  Array.from({ length: from - to + 1 }, (_, index) => make(from - index));
const withoutId = ({ id: _, ...body }: { id: string; [member: string]: unknown }) => body;

const eventOf = (number: number) =>
  eventBody(`e-${number}`, { created_at: 1_760_000_000 + number, message: `${number}` });
const checkpointOf = (number: number) => checkpointBody(`c-${number}`, { step_number: number });

it.each([
  ['events', 'message', eventOf],
  ['checkpoints', 'stepNumber', checkpointOf],
  ['events', 'message', (number: number) => withoutId(eventOf(number))],
] as const)(
  'a page of %s continues behind its cursor by another gateway, after new items have arrived: %s, %#',
  async (list, field, make) => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    const set = (newest: number) => {
      const items = numbered(newest, 1, make) as never[];
      if (list === 'events') upstream.onEvents('ftjob-1', items);
      else upstream.onCheckpoints('ftjob-1', items);
    };
    const pageOf = async (after: string | null) => {
      await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
      const { data } = await gateway.query(
        `query ($after: String) { fineTuningJob(id: "ftjob-1") {
          ${list}(first: 3, after: $after) { nodes { ${field} } pageInfo { endCursor } } } }`,
        { after },
      );
      const { nodes, pageInfo } = Object(data?.['fineTuningJob'])[list];
      return { numbers: nodes.map((node: Record<string, unknown>) => Number(node[field])), ...pageInfo };
    };
    set(10);
    const first = await pageOf(null);
    expect(first.numbers).toEqual([10, 9, 8]);
    set(15);
    expect((await pageOf(first.endCursor)).numbers).toEqual([7, 6, 5]);
  },
);
