import { ConfigError, readConfig } from '../../../src/config/config.ts';

/** The problems of an environment: one sentence each. */
export function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
