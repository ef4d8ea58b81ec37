import { readFileSync } from 'node:fs';
import { buildSchema, isObjectType, isScalarType, isSpecifiedScalarType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { settings } from '../../../src/config/settings.ts';
import { createSchema } from '../../../src/schema/schema.ts';
import { codeBlocks, readme, scalarMap } from '../../kit/process/readme.ts';

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The field of a REST property according to the README. */
function fieldOf(property: string): string {
  const [, field = camelCase(property)] = new RegExp(`\`${property}\`\\s+is\\s+\`(\\w+)\``).exec(readme) ?? [];
  return field;
}

/** The properties of a job in the REST API, with the types of their fields. */
const PROPERTIES = {
  id: 'ID!',
  object: 'FineTuningJobObject!',
  status: 'FineTuningJobStatus!',
  created_at: 'UnixTimestamp!',
  finished_at: 'UnixTimestamp',
  error: 'FineTuningJobError',
  organization_id: 'String',
  seed: 'Int',
  model: 'ID!',
  fine_tuned_model: 'ID',
  training_file: 'ID',
  validation_file: 'ID',
  result_files: '[ID!]!',
  hyperparameters: 'FineTuningJobHyperparameters',
  trained_tokens: 'SafeInt',
  integrations: '[FineTuningJobIntegration!]!',
};

function jobFields() {
  const job = createSchema().getType('FineTuningJob');
  if (!isObjectType(job)) throw new Error('FineTuningJob: expected an object type');
  return job.getFields();
}

const typeOf = (field: string) => String(jobFields()[field]?.type);

describe('the README', () => {
  it('names the field of each of the 16 REST properties', () => {
    expect(Object.keys(PROPERTIES)).toHaveLength(16);
    for (const [property, type] of Object.entries(PROPERTIES)) expect(typeOf(fieldOf(property)), property).toBe(type);
  });

  it('names every other field of a job', () => {
    const fields = Object.keys(PROPERTIES).map(fieldOf);
    const others = Object.keys(jobFields()).filter((field) => !fields.includes(field));
    for (const field of others) expect(readme).toContain(`\`${field}\``);
  });

  it('sets only settings that exist', () => {
    const names = [...readme.matchAll(/\b([A-Z][A-Z_]{3,})=/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect([...settings.keys(), 'NODE_ENV']).toContain(name);
  });

  it('has queries that are valid for the schema', () => {
    const queries = codeBlocks('graphql');
    expect(queries.length).toBeGreaterThan(0);
    const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
    for (const query of queries) expect(validate(schema, parse(query))).toEqual([]);
  });

  it('maps each scalar of the schema, and no other, to a TypeScript type', () => {
    const types = Object.values(createSchema().getTypeMap());
    const own = types.filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
    expect(Object.keys(scalarMap()).sort()).toEqual(own.map(String).sort());
  });
});
