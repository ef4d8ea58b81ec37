import { type DocumentNode, GraphQLError, type ValidationRule, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { ErrorCode } from '../../schema/core/errors.ts';

/** Maximum reported errors of one document. Locating each error searches the whole text. */
const MAX_ERRORS = 10;

/** Maximum characters of a document whose errors suggest similar names: the search for them takes long for long names. */
const MAX_LENGTH_FOR_SUGGESTIONS = 20_000;

/** Validates with the rules of GraphQL. Without introspection, errors suggest no names of the schema either. */
export function useValidation(hasIntrospection: boolean): Plugin {
  return {
    onValidate({ addValidationRule, setValidationFn }) {
      if (!hasIntrospection) addValidationRule(noIntrospection);
      setValidationFn((schema, document: DocumentNode, rules) => {
        const length = document.loc?.source.body.length ?? 0;
        const hideSuggestions = !hasIntrospection || length > MAX_LENGTH_FOR_SUGGESTIONS;
        return validate(schema, document, rules, { maxErrors: MAX_ERRORS, hideSuggestions });
      });
    },
  };
}

// `__typename` stays allowed: normalized caches of clients need it.
const noIntrospection: ValidationRule = (context) => ({
  Field(node) {
    const { value: name } = node.name;
    if (name !== '__schema' && name !== '__type') return;
    const message = `${name}: introspection is off (INTROSPECTION); use the published schema.graphql.`;
    const extensions = { code: 'INTROSPECTION_DISABLED' satisfies ErrorCode };
    context.reportError(new GraphQLError(message, { nodes: node, extensions }));
  },
});
