import { expect, test } from 'vitest';
import { readLogs, scanAllJobs } from '../../bench/readers.ts';
import { startUpstream } from '../../bench/stub.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

test('the store holds no more than CACHE_MAX_MB, however many jobs and logs pass through it', async () => {
  await using upstream = await startUpstream('upstream', './large-upstream.ts', { JOBS: '6000' });
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, CACHE_MAX_MB: '4' });
  const { url } = gateway;
  const held: number[] = [];
  const progress = () => void held.push(gateway.cachedBytes());
  expect(await scanAllJobs({ url, signal, progress })).toEqual({ scanned: 6000, found: 12 });
  expect(held.at(-1)).toBeGreaterThan(3 * MIB);
  expect(await readLogs({ url, signal, progress }, 50)).toBeGreaterThan(50 * 102);
  expect(held).toHaveLength(6 + 50);
  expect(Math.max(...held)).toBeLessThanOrEqual(4 * MIB);
});
