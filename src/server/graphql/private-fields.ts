import { BREAK, type DocumentNode, type GraphQLSchema, visit } from 'graphql';
import type { Viewer } from '../../request/viewer.ts';
import { privateFieldNames } from '../../schema/core/private-field.ts';

/**
 * Returns whether a document may select a private field: by the names of its fields, in all its operations. Each document is
 * searched once.
 */
export function createPrivacyCheck(schema: GraphQLSchema): (document: DocumentNode) => boolean {
  const names = privateFieldNames(schema);
  const known = new WeakMap<DocumentNode, boolean>();
  return (document) => {
    const result = known.get(document) ?? hasField(document, names);
    known.set(document, result);
    return result;
  };
}

function hasField(document: DocumentNode, names: ReadonlySet<string>): boolean {
  let isFound = false;
  visit(document, {
    Field({ name }) {
      isFound = names.has(name.value);
      return isFound ? BREAK : undefined;
    },
  });
  return isFound;
}

/** The caller of an execution. Once its result is shared, its name cannot be read: a private field cannot be forgotten. */
export class ExecutionViewer implements Viewer {
  readonly role: Viewer['role'];
  readonly #name: string | null;
  #isShared = false;

  constructor({ name, role }: Viewer) {
    this.#name = name;
    this.role = role;
  }

  /** Throws when the result is shared. */
  get name(): string | null {
    if (this.#isShared)
      throw new Error('viewer.name: is read in a shared execution; add PRIVATE_FIELD to the root field.');
    return this.#name;
  }

  share(): void {
    this.#isShared = true;
  }
}
