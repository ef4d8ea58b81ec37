import { execute, GraphQLError, type ValidationRule, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { ErrorCode } from '../schema/errors.ts';

/** Refuses questions about the schema, and lets no error suggest a name of it. */
export function useHiddenSchema(): Plugin {
  return {
    onValidate({ addValidationRule, setValidationFn }) {
      addValidationRule(noIntrospection);
      setValidationFn((schema, document, rules) => validate(schema, document, rules, { hideSuggestions: true }));
    },
    onExecute: ({ setExecuteFn }) => setExecuteFn((args) => execute({ ...args, hideSuggestions: true })),
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
