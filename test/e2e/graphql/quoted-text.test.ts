import { describe, expect, it } from 'vitest';
import { openSse } from '../../kit/client/sse.ts';
import { startWorld } from '../../kit/gateway/world.ts';

/** C1, bidi controls, zero-width characters, a line separator and a tag; JSON escapes none of them. */
const UNSAFE = '\u009b\u202e\u2066\u200b\u200f\ufeff\u2028\u{e0041}';
const TEXT = `a${UNSAFE}b`;

const CANCEL = 'mutation ($id: ID!) { cancelFineTuningJob(input: { jobId: $id }) { ... on Error { message } } }';
const UPLOAD = 'mutation ($file: Upload!) { uploadFile(input: { file: $file }) { __typename } }';
const PAIRS = 'query ($pairs: [MetadataEntryInput!]) { fineTuningJobs(filter: { metadata: $pairs }) { __typename } }';
const pair = { key: TEXT, value: '1' };

describe('a message that quotes the client', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['a variable of the wrong type', 'query ($n: Int) { fineTuningJobs(first: $n) { __typename } }', { n: TEXT }],
    ['a variable of the wrong scalar', UPLOAD, { file: TEXT }],
    ['a literal of the wrong type', `{ fineTuningJobs(first: "${TEXT}") { __typename } }`, {}],
    ['a syntax error', `{ viewer { name } "${TEXT}" }`, {}],
    ['a key that is given twice', PAIRS, { pairs: [pair, pair] }],
    ['an unknown id', CANCEL, { id: `ftjob-${TEXT}` }],
  ])('escapes what a terminal interprets or hides: %s', async (_, query, variables) => {
    await using world = await startWorld({ ALLOW_MUTATIONS: 'on' });
    const text = JSON.stringify(await world.gateway.query(query, variables));
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(text).toMatch(/\\\\u009b\\\\u202e/i);
  });

  it('escapes it in the error of a stream', async () => {
    await using world = await startWorld();
    const query =
      'subscription ($id: ID!, $step: Int) { fineTuningJobMetricsAdded(jobId: $id, sinceStep: $step) { __typename } }';
    await using stream = await openSse(world.gateway.url, { query, variables: { id: 'ftjob-1', step: TEXT } });
    const text = JSON.stringify(await stream.result());
    expect(text).toContain(String.raw`\\u009b\\u202e`);
    expect(text).not.toMatch(/\p{Cf}/u);
  });
});
