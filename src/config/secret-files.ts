import { FileError, readRegularFile } from '../regular-file.ts';
import type { Environment } from './upstream-kind.ts';

/** The file of a secret, and the setting that names it. */
export interface SecretFile {
  /** The setting of the secret itself, such as `OPENAI_API_KEY`. */
  readonly name: string;
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

/** A secret without white space around it, and the time of the last change of its file; or what is wrong with the file. */
export type SecretText = { readonly text: string; readonly changedAt: number } | { readonly problem: string };

/** A secret has some hundred characters. */
const MAX_SECRET_BYTES = 16 * 1024;

export const fileSettingOf = (name: string): string => `${name}_FILE`;

/** `key` or `secret`, as the name of a setting says. */
export const nounOf = (name: string): string => (name.endsWith('_KEY') ? 'key' : 'secret');

/** Reads the file of a secret. A problem is a predicate about the path, or a sentence about the file. */
export function readSecretText(name: string, path: string): SecretText {
  const noun = nounOf(name);
  try {
    const { text, changedAt } = readRegularFile(path, MAX_SECRET_BYTES);
    const secret = text.trim();
    return secret === '' ? { problem: `the file is empty; expected a ${noun} in it.` } : { text: secret, changedAt };
  } catch (error) {
    if (!(error instanceof FileError)) return { problem: 'expected the path of a file that can be read' };
    return {
      problem: `${error.message}; expected a regular file of at most ${MAX_SECRET_BYTES} bytes with the ${noun}.`,
    };
  }
}

/** Reads the files of all secrets that have one. `names` are the settings of secrets. */
export function readSecretFiles(
  variables: Environment,
  names: readonly string[],
): { readonly files: readonly SecretFile[]; readonly problems: readonly SecretFileProblem[] } {
  const files: SecretFile[] = [];
  const problems: SecretFileProblem[] = [];
  for (const name of names) {
    const setting = fileSettingOf(name);
    const path = variables[setting];
    if (path === undefined) continue;
    if (variables[name] !== undefined) {
      problems.push({ name, message: `is set as well as ${name}; expected only one of the two.` });
      continue;
    }
    const content = readSecretText(name, path);
    if ('problem' in content) problems.push({ name, message: content.problem });
    else files.push({ name, setting, path, text: content.text });
  }
  return { files, problems };
}
