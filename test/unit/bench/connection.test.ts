import { expect, test } from 'vitest';
import { bodyLengthOf } from '../../bench/connection.ts';

const answer = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 4\r\n\r\nnull';

test('an answer is whole only with its last byte', () => {
  for (let length = 0; length < answer.length; length++)
    expect(bodyLengthOf(Buffer.from(answer.slice(0, length)))).toBeNull();
  expect(bodyLengthOf(Buffer.from(answer))).toBe(4);
});

test('an answer that is not a 200 of a known length is refused', () => {
  expect(() => bodyLengthOf(Buffer.from(answer.replace('200', '500')))).toThrow('Expected status 200');
  expect(() => bodyLengthOf(Buffer.from(answer.replace('Content-Length', 'x')))).toThrow('Expected status 200');
  expect(() => bodyLengthOf(Buffer.from(`${answer}more`))).toThrow('More bytes');
});
