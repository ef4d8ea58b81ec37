import { z } from 'zod';

/** Documentation of one setting. `docs/settings.md`, `npm start -- --help` and the messages of problems use it. */
export interface SettingDocs {
  /** Complete sentences. */
  readonly description: string;
  /** Unit of the value, such as `ms`. */
  readonly unit?: string;
  /** A valid value. Left out where the expected values are listed, and where the default is an example. */
  readonly example?: string;
  /** Default value of a setting whose schema has none, because a check has to know whether it is set. */
  readonly defaultValue?: string;
  /** Text about what happens when a setting without a default value is unset. */
  readonly whenUnset?: string;
  /** Whether the value must never be shown. */
  readonly isSecret?: boolean;
  /** Returns what was expected in the file of a secret, or null, where the type of the setting is too lenient for it. */
  readonly fileProblem?: (text: string) => string | null;
  /** Earlier names of the setting. They still work, with a warning. */
  readonly oldNames?: readonly string[];
}

/** Documentation of a group of settings. */
export interface GroupDocs {
  readonly title: string;
  /** One to three sentences about all settings of the group. */
  readonly intro: string;
}

export const settingDocs = z.registry<SettingDocs>();
export const groupDocs = z.registry<GroupDocs>();

/**
 * Options of a check across settings: it runs even when a single setting is invalid, so that all problems are reported
 * together. An invalid setting then has its original text, so such a check compares and tests for presence only.
 */
export const ALWAYS = { when: () => true };
