import type { z } from 'zod';
import { authentication } from './authentication.ts';
import { azure } from './azure.ts';
import { caching } from './caching.ts';
import { connections } from './connections.ts';
import { fleet } from './fleet.ts';
import { graphql } from './graphql.ts';
import { limits } from './limits.ts';
import { listening } from './listening.ts';
import { mutations } from './mutations.ts';
import { network } from './network.ts';
import { operation } from './operation.ts';
import { prices } from './prices.ts';
import { sandbox } from './sandbox.ts';
import { fileSettingOf, nounOf, SECRET_NAMES } from './secret-files.ts';
import { groupDocs, type SettingDocs, settingDocs } from './types/setting-docs.ts';
import { upstream } from './upstream.ts';

/** The schema of each group. Each reads the variables of the environment, and transforms them to its part of the configuration. */
export const groups = {
  listening,
  authentication,
  upstream,
  azure,
  network,
  mutations,
  prices,
  caching,
  limits,
  graphql,
  connections,
  fleet,
  operation,
  sandbox,
};

/** A setting as the documentation shows it. */
export interface Setting extends SettingDocs {
  /** Name of the environment variable. */
  readonly name: string;
  /** The default value, or a text about what happens without. */
  readonly default: string;
  readonly hasDefaultValue: boolean;
}

export interface SettingGroup {
  readonly title: string;
  readonly intro: string;
  readonly settings: readonly Setting[];
}

/** The types of the settings that are secrets. Each may come from a file instead. */
export const secretTypes: ReadonlyMap<string, z.ZodType> = new Map(
  Object.values(groups)
    .flatMap((schema) => Object.entries<z.ZodType>(schema.in.shape))
    .filter(([, type]) => settingDocs.get(type)?.isSecret),
);

const unlisted = [...secretTypes.keys()].filter((name) => !SECRET_NAMES.some((known) => known === name));
if (unlisted.length > 0)
  throw new Error(`SECRET_NAMES: lacks ${unlisted.join()}; add the name, and its use to live-secrets.`);

/** All settings in the order of the documentation. */
export const settingGroups: readonly SettingGroup[] = Object.values(groups).map((schema) => {
  const object: z.ZodObject = schema.in;
  const { title, intro } = groupDocs.get(object) ?? { title: '', intro: '' };
  return { title, intro, settings: Object.entries(object.shape).flatMap(([name, type]) => settingOf(name, type)) };
});

/** Nothing for a variable of another group, which a group only reads. */
function settingOf(name: string, type: z.core.$ZodType): Setting[] {
  const docs = settingDocs.get(type);
  if (!docs) return [];
  const { data = docs.defaultValue } = (type as z.ZodType).safeParse(undefined); // Every property is a classic schema.
  const setting = {
    ...docs,
    name,
    default: String(data ?? docs.whenUnset ?? 'none'),
    hasDefaultValue: data !== undefined,
  };
  return docs.isSecret ? [setting, fileSetting(name)] : [setting];
}

/** The setting of the file that contains a secret. */
function fileSetting(name: string): Setting {
  const description = `Path of a file that contains this ${nounOf(name)}, instead of \`${name}\`.`;
  // The sandbox gets its secrets when it starts, and the names in Redis must not change.
  const isOfStart = name.startsWith('SANDBOX_') || name === 'FLEET_SECRET';
  return {
    name: fileSettingOf(name),
    description: isOfStart ? description : `${description} A change of the file takes effect within two seconds.`,
    example: `/run/secrets/${name.toLowerCase().replace('_api_', '_').replaceAll('_', '-')}`,
    default: 'none',
    hasDefaultValue: false,
  };
}

export const settings: ReadonlyMap<string, Setting> = new Map(
  settingGroups.flatMap((group) => group.settings.map((setting) => [setting.name, setting])),
);

/** Current names by old names. */
export const renamedSettings: ReadonlyMap<string, string> = new Map(
  [...settings.values()].flatMap(({ name, oldNames = [] }) => oldNames.map((oldName) => [oldName, name])),
);
