import { createHash } from 'node:crypto';

/** A Lua script, which Redis executes atomically. Plain Lua: Redis 7 and Valkey 8 run it. */
export interface Script {
  /** Its name in metrics, such as `watch.offer`. */
  readonly name: string;
  readonly lua: string;
  /** SHA-1 of the text in hex, by which the server knows it. */
  readonly sha: string;
}

export function defineScript(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}
