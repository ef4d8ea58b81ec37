import { type DocumentNode, execute, GraphQLError, type ValidationRule, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { ErrorCode } from '../../schema/core/errors.ts';

/** How many faults of one document are told. For each of them its place is looked up in the whole text. */
const MAX_FAULTS = 10;

/** Names that are like an unknown one are looked for in texts of at most so many characters: it takes as long as that one is. */
const MAX_SUGGESTION_LENGTH = 20_000;

/** Validates by GraphQL's rules. Without introspection, questions about the schema are refused, and no error suggests a name of it. */
export function useValidation(hasIntrospection: boolean): Plugin {
  return {
    onValidate({ addValidationRule, setValidationFn }) {
      if (!hasIntrospection) addValidationRule(noIntrospection);
      setValidationFn((schema, document: DocumentNode, rules) => {
        const hideSuggestions = !hasIntrospection || (document.loc?.source.body.length ?? 0) > MAX_SUGGESTION_LENGTH;
        return validate(schema, document, rules, { maxErrors: MAX_FAULTS, hideSuggestions });
      });
    },
    ...(!hasIntrospection && {
      onExecute: ({ setExecuteFn }) => setExecuteFn((args) => execute({ ...args, hideSuggestions: true })),
    }),
  };
}

// `__typename` stays: clients that keep objects need it.
const noIntrospection: ValidationRule = (context) => ({
  Field(node) {
    const { value: name } = node.name;
    if (name !== '__schema' && name !== '__type') return;
    const extensions = { code: 'INTROSPECTION_DISABLED' satisfies ErrorCode };
    context.reportError(new GraphQLError(`${name}: the schema cannot be asked for here.`, { nodes: node, extensions }));
  },
});
