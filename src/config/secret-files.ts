import { FileError, readRegularFile } from '../regular-file.ts';
import type { Environment } from './upstream-kind.ts';

/** The settings that are secrets. Each may come from a file instead. */
export const SECRET_NAMES = [
  'OPENAI_API_KEY',
  'OPENAI_ADMIN_KEY',
  'OPENAI_WEBHOOK_SECRET',
  'AZURE_OPENAI_API_KEY',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'REDIS_URL',
  'FLEET_SECRET',
  'SANDBOX_ADMIN_KEY',
  'SANDBOX_WEBHOOK_SECRET',
] as const;

export type SecretName = (typeof SECRET_NAMES)[number];

/** The file of a secret, and the setting that names it. */
export interface SecretFile {
  /** The setting of the secret itself, such as `OPENAI_API_KEY`. */
  readonly name: SecretName;
  /** The setting that names the file, such as `OPENAI_API_KEY_FILE`. */
  readonly setting: string;
  readonly path: string;
  /** The secret at the start. */
  readonly text: string;
}

/** A secret file that cannot be used. The message never has its content. */
export interface SecretFileProblem {
  readonly name: string;
  /** Complete sentence after the name of the setting, or what was expected. */
  readonly message: string;
}

/** A secret without white space around it; or what is wrong with its file. */
export type SecretText = { readonly text: string } | { readonly problem: string };

/** A secret has some hundred characters. */
const MAX_SECRET_BYTES = 16 * 1024;

export const fileSettingOf = (name: string): string => `${name}_FILE`;

/** `key` or `secret`, as the name of a setting says. */
export const nounOf = (name: string): string => (name.endsWith('_KEY') ? 'key' : 'secret');

/** Returns the content of the file of a secret as part of a sentence. `expected` is about the text: `visible ASCII characters`. */
export const contentOf = (name: string, expected: string): string =>
  /_(?:KEY|SECRET)$/.test(name) ? `a ${nounOf(name)} of ${expected}` : expected;

/** The variables that a secret has without its file. Those of proxies may have lower-case names. */
const variablesOf = (name: SecretName): string[] => (name.endsWith('_PROXY') ? [name, name.toLowerCase()] : [name]);

/** Reads the file of a secret. A problem is a predicate about the path, or a sentence about the file. */
export function readSecretText(name: string, path: string): SecretText {
  const noun = nounOf(name);
  try {
    const text = readRegularFile(path, MAX_SECRET_BYTES).text.trim();
    return text === '' ? { problem: `the file is empty; expected a ${noun} in it.` } : { text };
  } catch (error) {
    if (!(error instanceof FileError)) return { problem: 'expected the path of a file that can be read' };
    return {
      problem: `${error.message}; expected a regular file of at most ${MAX_SECRET_BYTES} bytes with the ${noun}.`,
    };
  }
}

/** Reads the files of all secrets that have one. */
export function readSecretFiles(variables: Environment): {
  readonly files: readonly SecretFile[];
  readonly problems: readonly SecretFileProblem[];
} {
  const files: SecretFile[] = [];
  const problems: SecretFileProblem[] = [];
  for (const name of SECRET_NAMES) {
    const setting = fileSettingOf(name);
    const path = variables[setting];
    if (path === undefined) continue;
    const other = variablesOf(name).find((variable) => variables[variable] !== undefined);
    if (other !== undefined) {
      problems.push({ name, message: `is set as well as ${other}; expected only one of the two.` });
      continue;
    }
    const content = readSecretText(name, path);
    if ('problem' in content) problems.push({ name, message: content.problem });
    else files.push({ name, setting, path, text: content.text });
  }
  return { files, problems };
}
