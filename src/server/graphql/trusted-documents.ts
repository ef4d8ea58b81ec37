import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError, parse, validate } from 'graphql';
import { z } from 'zod';
import { createSchema } from '../../schema/schema.ts';

/** Documents by the lower-case hex of their sha-256. */
export type TrustedDocuments = ReadonlyMap<string, string>;

const byHash = z.record(z.string(), z.string());
/** What Apollo's generate-persisted-query-manifest writes. */
const manifest = z
  .object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) })
  .transform(({ operations }) => Object.fromEntries(operations.map(({ id, body }) => [id, body])));

/** Reads the file that TRUSTED_DOCUMENTS names. Every fault becomes an issue that names the key. */
export function readTrustedDocuments(file: string, context: z.RefinementCtx): TrustedDocuments {
  const documents = new Map<string, string>();
  const entries = readEntries(file);
  if (typeof entries === 'string') context.addIssue(entries);
  else if (Object.keys(entries).length === 0) context.addIssue('the file has no documents; expected at least one.');
  else {
    const faultOf = createCheck();
    for (const [key, text] of Object.entries(entries)) {
      const fault = faultOf(key, text);
      if (fault !== undefined) context.addIssue(`the key ${JSON.stringify(key.slice(0, 100))}: ${fault}`);
      documents.set(hashOf(text), text);
    }
  }
  return documents;
}

/** The name of a document: what clients send for it. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A name as clients and files write it, as the bare hash. */
export function bareHash(name: string): string {
  return name.toLowerCase().replace(/^sha256:/, '');
}

/** The texts by their keys, or what is wrong with the file. */
function readEntries(file: string): Readonly<Record<string, string>> | string {
  try {
    const { data } = z.union([manifest, byHash]).safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return data ?? 'expected an object of documents by their sha-256, or a manifest of persisted queries';
  } catch (error) {
    return error instanceof SyntaxError ? 'expected a file of JSON' : 'expected the path of a file that can be read';
  }
}

function createCheck(): (key: string, text: string) => string | undefined {
  const schema = createSchema();
  return (key, text) => {
    if (bareHash(key) !== hashOf(text)) return 'expected the sha-256 of its document, in hex';
    try {
      return validate(schema, parse(text))[0]?.message;
    } catch (error) {
      if (error instanceof GraphQLError) return error.message;
      throw error;
    }
  };
}
