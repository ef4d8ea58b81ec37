import { ConfigError, readConfig } from '../../../src/config/config.ts';

/** What is wrong with an environment: one sentence for each variable at fault. */
export function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}
