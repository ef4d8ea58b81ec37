import { readFileSync } from 'node:fs';
import { buildSchema, isObjectType, isScalarType, isSpecifiedScalarType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { settings } from '../../src/config.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { codeBlocks, readme, scalarMap } from '../kit/readme.ts';

const rows = [...readme.matchAll(/^\| `(\w+)` \| `(\w+)`.* \| `([^`]+)` \|$/gm)];

describe('the README', () => {
  it('maps each of the 16 REST properties to a field of that type', () => {
    const job = createSchema().getType('FineTuningJob');
    if (!isObjectType(job)) throw new Error('FineTuningJob: expected an object type');
    expect(rows).toHaveLength(16);
    for (const [, , field = '', type] of rows) expect(String(job.getFields()[field]?.type), field).toBe(type);
  });

  it('names every other field of a job', () => {
    const job = createSchema().getType('FineTuningJob');
    if (!isObjectType(job)) throw new Error('FineTuningJob: expected an object type');
    for (const field of Object.keys(job.getFields())) expect(readme).toContain(`\`${field}\``);
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
