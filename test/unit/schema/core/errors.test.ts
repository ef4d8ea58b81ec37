import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toClientError } from '../../../../src/schema/core/errors.ts';

const codeOf = (error: GraphQLError) => toClientError(error, 'request').extensions['code'];

describe('the code of an execution error', () => {
  it('is UPSTREAM_INVALID_RESPONSE when a scalar cannot represent a value of the upstream', () => {
    const error = new GraphQLError('Int cannot represent non 32-bit signed integer value: 4294967296', {
      path: ['seed'],
    });
    expect(codeOf(error)).toBe('UPSTREAM_INVALID_RESPONSE');
  });

  it('is BAD_USER_INPUT when a scalar cannot represent an argument', () => {
    const inner = 'Int cannot represent non-integer value: "x"';
    expect(codeOf(new GraphQLError(`Variable "$first" got invalid value "x"; ${inner}`))).toBe('BAD_USER_INPUT');
    expect(codeOf(new GraphQLError(`Argument "first" has invalid value: ${inner}`, { path: ['files'] }))).toBe(
      'BAD_USER_INPUT',
    );
  });
});
