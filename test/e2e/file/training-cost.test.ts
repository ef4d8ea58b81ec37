import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { priceFile } from '../../kit/process/prices.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';
import { trainingCorpus } from '../../kit/token-corpus.ts';

const MODEL = 'gpt-4.1-mini-2025-04-14';
const ID = jobBody().id;
const COST = 'estimatedCost { amount currency asOf source }';
const CHECK = `query ($modelId: ID, $nEpochs: Int) {
  checkTrainingFile(fileId: "file-training", modelId: $modelId, nEpochs: $nEpochs) { ${COST} }
}`;
const JOB = `query ($id: ID!) { fineTuningJob(id: $id) { estimatedTrainingTokens ${COST} } }`;
const { content: CHATS, tokens: TOKENS } = trainingCorpus('chat', 10_000);
const price = { currency: 'USD', asOf: '2026-10-23', source: 'https://example.com/prices' };

const startPriced = (...entries: object[]) => startWorld({ PRICES_FILE: priceFile(...entries) });

async function costIn(world: World, variables: object) {
  return Object((await world.ask(CHECK, { ...variables }))['checkTrainingFile']).estimatedCost;
}

/** The estimates of a job whose body has these members. */
async function estimatesOf(world: World, members: Record<string, unknown>) {
  world.upstream.onJob(jobBody(members));
  world.clock.advance(60_000);
  return (await world.ask(JOB, { id: ID }))['fineTuningJob'];
}

const supervised = (n_epochs: unknown) => ({
  hyperparameters: { n_epochs },
  method: { type: 'supervised', supervised: { hyperparameters: { n_epochs } } },
});

describe('the cost of checkTrainingFile', () => {
  it('is the price of all epochs, with its date and its source', async () => {
    await using world = await startPriced({}, { method: 'dpo', amount: 7, currency: 'EUR' });
    world.upstream.onContent('file-training', CHATS);
    const amount = (3 * TOKENS * 5) / 1e6;
    expect(await costIn(world, { modelId: 'gpt-4.1-mini', nEpochs: 3 })).toEqual({
      amount: expect.closeTo(amount, 12),
      ...price,
    });
    expect(await costIn(world, { modelId: `ft:${MODEL}:acme::abc`, nEpochs: 3 })).toMatchObject(price);
    expect(world.targets()).toHaveLength(1);
  });

  it('has the price of the method that trains on the format', async () => {
    await using world = await startPriced({}, { method: 'dpo', amount: 7, currency: 'EUR' });
    const { content, tokens } = trainingCorpus('preference', 10_000);
    world.upstream.onContent('file-training', content);
    const cost = await costIn(world, { modelId: MODEL, nEpochs: 1 });
    expect(cost).toEqual({ ...price, amount: expect.closeTo((tokens * 7) / 1e6, 12), currency: 'EUR' });
  });

  it('is null when something is not known', async () => {
    await using world = await startPriced({}, { model: 'llama*' }, { model: 'o4-mini*' });
    world.upstream.onContent('file-training', CHATS);
    const unknown = [
      { modelId: MODEL },
      { nEpochs: 3 },
      { modelId: 'gpt-4.1', nEpochs: 3 }, // No price.
      { modelId: 'llama-3', nEpochs: 3 }, // No tokenizer.
    ];
    for (const variables of unknown) expect(await costIn(world, variables)).toBe(null);
    world.upstream.onContent('file-training', trainingCorpus('reinforcement', 10_000).content);
    world.clock.advance(600_000);
    expect(await costIn(world, { modelId: 'o4-mini', nEpochs: 3 })).toBe(null);
  });

  it('is null without PRICES_FILE', async () => {
    await using world = await startWorld();
    world.upstream.onContent('file-training', CHATS);
    expect(await costIn(world, { modelId: MODEL, nEpochs: 3 })).toBe(null);
  });
});

describe('the estimates of a job', () => {
  it('are those of its training file and its epochs, for one read of the file', async () => {
    await using world = await startPriced({});
    world.upstream.onContent('file-training', CHATS);
    const amount = expect.closeTo((2 * TOKENS * 5) / 1e6, 12);
    const expected = { estimatedTrainingTokens: 2 * TOKENS, estimatedCost: { ...price, amount } };
    expect(await estimatesOf(world, supervised(2))).toEqual(expected);
    expect(await estimatesOf(world, { method: null, hyperparameters: { n_epochs: 2 } })).toEqual(expected);
    expect(world.targets().filter((target) => target.endsWith('/content'))).toHaveLength(1);
  });

  it('are null without a read when epochs, tokenizer or file are not known', async () => {
    await using world = await startPriced({});
    const unknown = [
      supervised('auto'),
      { hyperparameters: null, method: null },
      { ...supervised(2), model: 'meta-llama/Llama-3.1-8B' },
      { ...supervised(2), training_file: null },
    ];
    for (const members of unknown) {
      expect(await estimatesOf(world, members)).toEqual({ estimatedTrainingTokens: null, estimatedCost: null });
    }
    expect(world.targets().filter((target) => target.endsWith('/content'))).toEqual([]);
  });

  it('are null when the file has errors or was deleted', async () => {
    await using world = await startPriced({});
    expect(await estimatesOf(world, supervised(2))).toEqual({ estimatedTrainingTokens: null, estimatedCost: null });
    world.upstream.onContent('file-training', `${CHATS}{}`);
    expect(await estimatesOf(world, supervised(2))).toEqual({ estimatedTrainingTokens: null, estimatedCost: null });
  });

  it('are forgotten with the file', async () => {
    await using gateway = await startGateway();
    const { outcome } = await upload(gateway.url, trainingLines(12));
    const { id } = Object(outcome?.['file']);
    const query = 'query ($id: ID!) { checkTrainingFile(fileId: $id, nEpochs: 1) { estimatedTrainingTokens } }';
    expect((await gateway.query(query, { id })).data?.['checkTrainingFile']).not.toBe(null);
    await gateway.query('mutation ($id: ID!) { deleteFile(input: { fileId: $id }) { __typename } }', { id });
    expect((await gateway.query(query, { id })).data).toEqual({ checkTrainingFile: null });
  });

  it('need the role operator, and the points of a file that is read', async () => {
    await using upstream = await startUpstream();
    const { file, tokens } = tokenFile({ vera: 'viewer' });
    const settings = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, OPENAI_BASE_URL: upstream.baseUrl };
    await using gateway = await startGateway(settings);
    upstream.onJob(jobBody());
    const query = `{ fineTuningJob(id: "${ID}") { id estimatedTrainingTokens } }`;
    const { data, errors } = await askAs(gateway.url, `Bearer ${tokens.vera}`, query);
    expect(data).toEqual({ fineTuningJob: { id: ID, estimatedTrainingTokens: null } });
    expect(errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
    const many = '{ fineTuningJobs(first: 100) { edges { node { estimatedTrainingTokens } } } }';
    const refused = await askAs(gateway.url, `Bearer ${tokens.vera}`, many);
    expect(refused.errors?.[0]?.extensions['code']).toBe('QUERY_TOO_COMPLEX');
  });
});
