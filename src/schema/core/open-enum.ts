import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';

interface OpenEnumValue {
  description: string;
  /** How servers write it; without this, the value's own name in lower case. */
  raw?: readonly string[];
}

/**
 * Defines an enum over an open set of strings: what no value lists reads as `UNKNOWN`, so that a new status upstream
 * is a value and not a crash. The field that has such a type stands beside one with the raw string.
 */
export function openEnum<Name extends string>(
  name: string,
  options: { description: string; values: Record<Name, OpenEnumValue> },
) {
  const names = Object.keys(options.values) as Name[]; // Object.keys forgets that it gives the record's own keys.
  const rawOf = (value: Name) => options.values[value].raw ?? [value.toLowerCase()];
  const byRaw = new Map(names.flatMap((value) => rawOf(value).map((raw) => [raw, value])));
  const type = builder.enumType(name, {
    description: options.description,
    values: { ...descriptionsOf(options.values), UNKNOWN: { description: UNKNOWN } },
  });
  return {
    type,
    read: (raw: string): Name | 'UNKNOWN' => byRaw.get(raw) ?? 'UNKNOWN',
    /** How OpenAI writes a value that a client has given. Throws BAD_USER_INPUT naming the argument for UNKNOWN. */
    write: (value: Name | 'UNKNOWN', argument: string): string => {
      if (value === 'UNKNOWN') throw badUserInput(argument, 'a known value, got UNKNOWN');
      return rawOf(value)[0] ?? value;
    },
  };
}

const UNKNOWN = 'Something that this version of the gateway does not know; the raw string beside it says what.';

function descriptionsOf<Values extends Record<string, OpenEnumValue>>(
  values: Values,
): { [Name in keyof Values]: { description: string } } {
  return values;
}
