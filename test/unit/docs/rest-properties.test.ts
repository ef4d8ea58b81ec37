import { readFileSync } from 'node:fs';
import { isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../../src/schema/schema.ts';

const section =
  /^## From REST properties to fields$(.*?)^## /ms.exec(readFileSync('docs/clients.md', 'utf8'))?.[1] ?? '';

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The field of a REST property according to the page. */
function fieldOf(property: string): string {
  const [, field = camelCase(property)] = new RegExp(`\`${property}\`\\s+is\\s+\`(\\w+)\``).exec(section) ?? [];
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

describe('docs/clients.md', () => {
  it('names the field of each of the 16 REST properties', () => {
    expect(Object.keys(PROPERTIES)).toHaveLength(16);
    for (const [property, type] of Object.entries(PROPERTIES)) expect(typeOf(fieldOf(property)), property).toBe(type);
  });

  it('names every other field of a job', () => {
    const fields = Object.keys(PROPERTIES).map(fieldOf);
    const others = Object.keys(jobFields()).filter((field) => !fields.includes(field));
    for (const field of others) expect(section).toContain(`\`${field}\``);
  });
});
