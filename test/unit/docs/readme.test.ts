import { readFileSync } from 'node:fs';
import { buildSchema, isObjectType, isScalarType, isSpecifiedScalarType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { settings } from '../../../src/config/config.ts';
import { createSchema } from '../../../src/schema/schema.ts';
import { codeBlocks, readme, scalarMap } from '../../kit/process/readme.ts';

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The field of a REST property, as the README has it. */
function fieldOf(property: string): string {
  const [, field = camelCase(property)] = new RegExp(`\`${property}\`\\s+is\\s+\`(\\w+)\``).exec(readme) ?? [];
  return field;
}

/** Those of the REST API, with the types of their fields. */
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
  it('tells the field of each of the 16 REST properties', () => {
    expect(Object.keys(PROPERTIES)).toHaveLength(16);
    for (const [property, type] of Object.entries(PROPERTIES)) expect(typeOf(fieldOf(property)), property).toBe(type);
  });

  it('names every other field of a job', () => {
    const told = Object.keys(PROPERTIES).map(fieldOf);
    const others = Object.keys(jobFields()).filter((field) => !told.includes(field));
    for (const field of others) expect(readme).toContain(`\`${field}\``);
  });

  it('names every setting, and no other', () => {
    const table = readme.slice(readme.indexOf('| variable |'), readme.indexOf('`GET /health`'));
    const named = [...table.matchAll(/^\|([^|]+)\|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(named.sort()).toEqual(Object.keys(settings).sort());
  });

  it('shows queries that fit the schema', () => {
    const queries = codeBlocks('graphql');
    expect(queries.length).toBeGreaterThan(0);
    const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
    for (const query of queries) expect(validate(schema, parse(query))).toEqual([]);
  });

  it('maps every scalar of the schema to a type of TypeScript, and no other', () => {
    const types = Object.values(createSchema().getTypeMap());
    const own = types.filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
    expect(Object.keys(scalarMap()).sort()).toEqual(own.map(String).sort());
  });

  it('is at most 150 lines long', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(151);
  });
});
