import { expect, test } from 'vitest';
import { readLogs, scanAllJobs } from '../../bench/readers.ts';
import { startUpstream } from '../../bench/stub.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

test('parsed documents and responses share CACHE_MAX_MB with the store', async () => {
  await using gateway = await startGateway({ CACHE_MAX_MB: '1' });
  const sizes: number[] = [];
  for (let count = 0; count < 150; count++) {
    const fields = Array.from({ length: 15 }, (_, index) => `field_${count}_${index}: __typename`);
    expect(await gateway.query(`{ ${fields.join(' ')} }`)).toMatchObject({ data: { [`field_${count}_0`]: 'Query' } });
    sizes.push(gateway.cachedBytes());
  }
  expect(sizes[0]).toBeGreaterThan(15 * 3 * 400); // Three tokens per field.
  expect(sizes.at(-1)).toBeGreaterThan(0.75 * MIB);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MIB);
});

test('the plans of a document count too, and are bounded, whatever its variables exclude', async () => {
  await using gateway = await startGateway({
    CACHE_MAX_MB: '16',
    MAX_QUERY_ALIASES: '2000',
    MAX_QUERY_TOKENS: '10000',
  });
  const fields = Array.from({ length: 200 }, (_, index) => `field_${index}: __typename`).join(' ');
  const names = ['a', 'b', 'c', 'd', 'e'];
  const parts = names.map((name) => `${name}: gateway @include(if: $${name}) { ${fields} }`).join(' ');
  const query = `query (${names.map((name) => `$${name}: Boolean!`).join(' ')}) { ${parts} }`;
  const variablesOf = (bits: number) => Object.fromEntries(names.map((name, bit) => [name, ((bits >> bit) & 1) === 1]));
  await gateway.query(query, variablesOf(0));
  const withoutPlan = gateway.cachedBytes();
  const { data } = await gateway.query(query, variablesOf(31));
  expect(Object.keys(data ?? {})).toEqual(names);
  const planBytes = 5 * 200 * 400;
  expect(gateway.cachedBytes()).toBeGreaterThan(withoutPlan + planBytes);
  for (let bits = 0; bits < 31; bits++) await gateway.query(query, variablesOf(bits));
  const responseBytes = 32 * 5 * 200 * 2 * 24;
  expect(gateway.cachedBytes()).toBeLessThan(withoutPlan + 8 * planBytes + responseBytes);
});

test('the store holds at most CACHE_MAX_MB, for any number of jobs and event logs', async () => {
  await using upstream = await startUpstream('upstream', './large-upstream.ts', { JOBS: '6000' });
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, CACHE_MAX_MB: '4' });
  const { url } = gateway;
  const sizes: number[] = [];
  const progress = () => void sizes.push(gateway.cachedBytes());
  expect(await scanAllJobs({ url, signal, progress })).toEqual({ scanned: 6000, found: 12 });
  expect(sizes.at(-1)).toBeGreaterThan(3 * MIB);
  expect(await readLogs({ url, signal, progress }, 50)).toBeGreaterThan(50 * 102);
  expect(sizes).toHaveLength(6 + 50);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4 * MIB);
});
