import { expect, test } from 'vitest';
import { bodyLengthOf } from '../../bench/connection.ts';

const response = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 4\r\n\r\nnull';

test('a response is complete with its last byte', () => {
  for (let length = 0; length < response.length; length++)
    expect(bodyLengthOf(Buffer.from(response.slice(0, length)))).toBeNull();
  expect(bodyLengthOf(Buffer.from(response))).toBe(4);
});

test('a response without status 200 or a known length is rejected', () => {
  expect(() => bodyLengthOf(Buffer.from(response.replace('200', '500')))).toThrow('Expected status 200');
  expect(() => bodyLengthOf(Buffer.from(response.replace('Content-Length', 'x')))).toThrow('Expected status 200');
  expect(() => bodyLengthOf(Buffer.from(`${response}more`))).toThrow('more bytes');
});
