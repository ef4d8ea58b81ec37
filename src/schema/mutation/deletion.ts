import type { Commands } from '../../commands/commands.ts';
import type { Delete } from '../../commands/delete.ts';
import type { Role } from '../../request/viewer.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { type NotFound, notFound } from './failure.ts';
import { COMMON_FAILURES, NotFoundError } from './failure-types.ts';
import { resolveMutation } from './mutation.ts';

/** What can be deleted by its id alone, and what is said of that. */
interface Kind {
  /** `File`, as the names of types have it. */
  readonly name: string;
  readonly role: Role;
  readonly deleteOf: (changes: Commands) => Delete;
  readonly texts: {
    readonly does: string;
    readonly success: string;
    readonly deletedId: string;
    readonly input: string;
    readonly id: string;
    /** What the id was expected to be, where there is no such thing. */
    readonly expected: string;
  };
}

/** Defines the mutation that deletes one. */
export function defineDeletion({ name, role, deleteOf, texts }: Kind): void {
  const mutation = `delete${name}`;
  const idField = `${name.toLowerCase()}Id`;

  /** One that is gone. */
  class Deleted {
    readonly affectedId: string;

    constructor(id: string) {
      this.affectedId = id;
    }
  }

  const success = builder.objectType(Deleted, {
    name: `Delete${name}Success`,
    isTypeOf: (value) => value instanceof Deleted,
    description: texts.success,
    fields: (t) => ({
      [`deleted${name}Id`]: t.id({
        nullable: false,
        description: texts.deletedId,
        resolve: ({ affectedId }) => affectedId,
      }),
    }),
  });
  const input = builder.inputType(`Delete${name}Input`, {
    description: texts.input,
    fields: (t) => ({ [idField]: t.id({ required: true, description: texts.id }) }),
  });
  const result = builder.unionType(`Delete${name}Result`, {
    description: 'What came of it.',
    types: [success, NotFoundError, ...COMMON_FAILURES],
  });
  const idOf = (given: typeof input.$inferInput) => given[idField] ?? '';
  builder.mutationField(mutation, (t) =>
    t.field({
      type: result,
      nullable: false,
      description: `${texts.does} It needs the role \`${role}\`.`,
      args: { input: t.arg({ type: input, required: true, description: `Which ${name.toLowerCase()}.` }) },
      extensions: cost({ calls: 1 }),
      resolve: resolveMutation<typeof input.$inferInput, Deleted, NotFound>(
        mutation,
        role,
        async (given, { commands }) => {
          const deletion = await deleteOf(commands)(idOf(given));
          return deletion ? new Deleted(deletion.id) : notFound(idField, texts.expected, idOf(given));
        },
        idOf,
      ),
    }),
  );
}
