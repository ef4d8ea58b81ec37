import { join } from 'node:path';
import { ConfigError, readConfig } from '../../../src/config/config.ts';
import { makeFolder } from './folder.ts';
import { tokenFile } from './token.ts';

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

const SECRETS = {
  OPENAI_API_KEY_FILE: 'test-key-example',
  REDIS_URL_FILE: 'redis://gateway:password@valkey:6379/0',
  FLEET_SECRET_FILE: 'x'.repeat(64),
};

/** The problems of the environment of a manifest, whose secret files exist here. */
export function problemsOfDeployed(environment: Readonly<Record<string, string>>): readonly string[] {
  const folder = makeFolder(SECRETS);
  const files = Object.keys(SECRETS)
    .filter((name) => name in environment)
    .map((name) => [name, join(folder, name)]);
  return problemsOf({
    ...environment,
    ...Object.fromEntries(files),
    AUTH_TOKENS_FILE: tokenFile({ ann: 'viewer' }).file,
  });
}
