import { createHash } from 'node:crypto';
import { GraphQLError, parse, validate } from 'graphql';
import { z } from 'zod';
import { FileError, readRegularFile } from '../../regular-file.ts';
import { createSchema } from '../../schema/schema.ts';

/** Document texts by their SHA-256 in lower-case hex. */
export type TrustedDocuments = ReadonlyMap<string, string>;

/** Maximum size of the file: more than ten thousand documents. */
const MAX_FILE_BYTES = 64 * 2 ** 20;

const textByHash = z.record(z.string(), z.string());
/** The format of Apollo's generate-persisted-query-manifest. */
const apolloManifest = z
  .object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) })
  .transform(({ operations }) => Object.fromEntries(operations.map(({ id, body }) => [id, body])));

/** Reads and validates the file of TRUSTED_DOCUMENTS. Adds an issue for each problem. */
export function readTrustedDocuments(file: string, context: z.RefinementCtx): TrustedDocuments {
  const documents = new Map<string, string>();
  const entries = readEntries(file);
  if (typeof entries === 'string') context.addIssue(entries);
  else if (Object.keys(entries).length === 0) context.addIssue('is empty; expected at least one document');
  else {
    const findProblem = createDocumentCheck();
    for (const [key, text] of Object.entries(entries)) {
      const problem = findProblem(key, text);
      if (problem !== undefined) context.addIssue(`the key ${JSON.stringify(key.slice(0, 100))}: ${problem}`);
      documents.set(hashOf(text), text);
    }
  }
  return documents;
}

/** Returns the SHA-256 of a document's text in hex. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Removes the optional prefix `sha256:` and converts to lower case. */
export function bareHash(documentId: string): string {
  return documentId.toLowerCase().replace(/^sha256:/, '');
}

/** Returns the texts by their keys, or the problem of the file. */
function readEntries(file: string): Readonly<Record<string, string>> | string {
  try {
    const { data } = z
      .union([apolloManifest, textByHash])
      .safeParse(JSON.parse(readRegularFile(file, MAX_FILE_BYTES).text));
    return data ?? 'has an unknown format; expected an object of documents by SHA-256, or a manifest of Apollo';
  } catch (error) {
    if (error instanceof SyntaxError)
      return 'is not JSON; expected an object such as {"SHA-256": "query Jobs { ... }"}';
    const reason = error instanceof FileError ? ` (it ${error.message})` : '';
    return `cannot be read; expected the path of a JSON file${reason}`;
  }
}

function createDocumentCheck(): (key: string, text: string) => string | undefined {
  const schema = createSchema();
  return (key, text) => {
    if (bareHash(key) !== hashOf(text)) return 'expected the SHA-256 of its document, in hex';
    try {
      return validate(schema, parse(text))[0]?.message;
    } catch (error) {
      if (error instanceof GraphQLError) return error.message;
      throw error;
    }
  };
}
