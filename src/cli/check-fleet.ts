import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';

/** Tries Redis, if replicas share one, and prints a line about it. Resolves to whether they can. */
export async function checkFleet(
  { fleet }: Pick<Config, 'fleet'>,
  clock: Clock,
  print: (line: string) => void,
): Promise<boolean> {
  if (fleet === undefined) return true;
  const { checkRedis } = await import('../state/redis/connection/redis-check.ts');
  const report = await checkRedis(fleet.redisUrl, fleet.prefix, clock);
  const { host } = new URL(fleet.redisUrl);
  if ('problem' in report) {
    print(`Redis: ${host} cannot be used: ${report.problem}. Check REDIS_URL.`);
    return false;
  }
  print(`Redis: ${report.server} ${report.version} at ${host} answered after ${report.ms} ms.`);
  for (const warning of report.warnings) print(`Warning: Redis: ${warning}`);
  return true;
}
