import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';

interface OpenEnumValue {
  description: string;
  /** The spellings of servers, OpenAI's first. By default the name of the value in lower case. */
  raw?: readonly string[];
}

/**
 * Defines an enum over an open set of strings. A string that no value lists reads as `UNKNOWN`, so a new status of the
 * upstream does not fail the query. A field of such a type has a `raw…` field with the string beside it.
 */
export function openEnum<Name extends string>(
  typeName: string,
  options: { description: string; values: Record<Name, OpenEnumValue> },
) {
  const names = Object.keys(options.values) as Name[]; // Object.keys does not return the type of the keys.
  const rawOf = (name: Name) => options.values[name].raw ?? [name.toLowerCase()];
  const byRaw = new Map(names.flatMap((name) => rawOf(name).map((raw) => [raw, name])));
  const type = builder.enumType(typeName, {
    description: options.description,
    values: { ...descriptionsOf(options.values), UNKNOWN: { description: UNKNOWN } },
  });
  const unknownValue = (argument: string) =>
    badUserInput(argument, `is UNKNOWN; expected a known ${typeName}, such as ${names[0]}`);
  return {
    type,
    read: (raw: string): Name | 'UNKNOWN' => byRaw.get(raw) ?? 'UNKNOWN',
    /** Returns OpenAI's spelling of an argument. Throws BAD_USER_INPUT, naming the argument, for UNKNOWN. */
    write: (name: Name | 'UNKNOWN', argument: string): string => {
      if (name === 'UNKNOWN') throw unknownValue(argument);
      return rawOf(name)[0] ?? name;
    },
    /** Throws BAD_USER_INPUT, naming the argument, when UNKNOWN is among its values. */
    assertKnown: (values: readonly (Name | 'UNKNOWN')[], argument: string): void => {
      if (values.includes('UNKNOWN')) throw unknownValue(argument);
    },
  };
}

const UNKNOWN =
  'A value that this version of the gateway does not know, or that the upstream does not report. The field `raw…` beside it has the string of the upstream. Only returned: not accepted in arguments and inputs.';

function descriptionsOf<Values extends Record<string, OpenEnumValue>>(
  values: Values,
): { [Name in keyof Values]: { description: string } } {
  return values;
}
