import SchemaBuilder from '@pothos/core';
import type { Context } from '../context.ts';

interface Scalar<T> {
  Input: T;
  Output: T;
}

/** Collects the types; defines none itself. Fields are nullable unless they say otherwise. */
export const builder = new SchemaBuilder<{
  Context: Context;
  Scalars: {
    ID: { Input: string; Output: string };
    UnixTimestamp: Scalar<number>;
    SafeInt: Scalar<number>;
    IntOrAuto: Scalar<number | 'auto'>;
    FloatOrAuto: Scalar<number | 'auto'>;
    JSON: Scalar<unknown>;
    Date: Scalar<string>;
  };
}>({});

/** The builder's own type parameters, for helpers that take its refs. */
export type Types = typeof builder.$inferSchemaTypes;

builder.queryType({ description: 'Everything that can be asked.' });
