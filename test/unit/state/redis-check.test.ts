import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CHECK } from '../../../src/state/redis/connection/check-script.ts';
import { findWarnings, parseServerInfo } from '../../../src/state/redis/connection/server-info.ts';

it('--check runs each command that a script runs', () => {
  const used = globSync('src/state/redis/**/*.ts').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/redis\.call\('([A-Z]+)'/g)].map(([, command = '']) => command),
  );
  expect(used.length).toBeGreaterThan(50);
  expect([...new Set(used)].filter((command) => !CHECK.lua.includes(`'${command}'`))).toEqual([]);
});

it.each([
  ['redis_version:7.0.15', ['Redis 7.0.15 is not supported. Use Redis 7.2 or later.']],
  ['redis_version:7.2.0', []],
  ['redis_version:8.0.1', []],
  ['redis_version:7.2.4\r\nvalkey_version:7.2.9', ['Valkey 7.2.9 is not supported. Use Valkey 8.0 or later.']],
  ['redis_version:7.2.4\r\nvalkey_version:8.1.0', []],
  [
    'redis_version:7.4.0\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru',
    ['maxmemory-policy is allkeys-lru, which loses counts and keys. Set it to noeviction.'],
  ],
  ['redis_version:7.4.0\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru', []],
])('--check warns about a server with %j', (info, warnings) => {
  expect(findWarnings(parseServerInfo(info))).toEqual(warnings);
});
