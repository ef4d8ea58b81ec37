import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Network } from '../../network/network.ts';
import type { OutgoingPool } from '../../network/undici.ts';
import { replaceUnsafe } from '../../telemetry/unsafe-characters.ts';
import { discoveryUrlOf, isTrustworthy } from './issuer-url.ts';

/** Maximum bytes of a discovery document or a key set. Usual ones have 2 to 10 KB. */
const MAX_BYTES = 256 * 1024;
/** How long the URL of a key set is used before the discovery document is read again, in milliseconds. */
const DISCOVERY_MS = 600_000;

/** Thrown when the keys of an issuer cannot be read. The message is a sentence without its point. */
export class KeySetError extends Error {
  override readonly name = 'KeySetError';
}

export interface KeySetClientOptions {
  /** The URL of the key sets of all issuers; undefined: that of each issuer's discovery document. */
  readonly jwksUrl?: string | undefined;
  /** Maximum time to read a key set, with the discovery document. */
  readonly timeoutMs: number;
}

/** Reads key sets of issuers. */
export interface KeySetClient {
  /** Reads the key set of a configured issuer. Rejects with a KeySetError. */
  read(issuer: string): Promise<JSONWebKeySet>;
  dispose(): Promise<void>;
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });
const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** Maximum sockets to one server of keys. */
const CONNECTIONS = 4;

export function createKeySetClient(
  { jwksUrl, timeoutMs }: KeySetClientOptions,
  network: Network,
  clock: Clock,
): KeySetClient {
  const pools = new Map<string, OutgoingPool>();
  const discovered = new Map<string, { readonly url: string; readonly until: number }>();

  function poolOf(url: URL): OutgoingPool {
    const pool =
      pools.get(url.origin) ?? network.openPool(url, { connections: CONNECTIONS, connectTimeout: timeoutMs });
    pools.set(url.origin, pool);
    return pool;
  }

  async function readJson<T>(url: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const target = new URL(url);
    const { statusCode, body } = await poolOf(target).request({
      method: 'GET',
      path: target.pathname + target.search,
      headers: { accept: 'application/json' },
      signal,
    });
    body.on('error', () => {}); // A body that is not read to its end fails when it is destroyed.
    if (statusCode !== 200) {
      body.destroy();
      throw new KeySetError(`${url} answers with status ${statusCode}; expected 200, without a redirect`);
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BYTES) throw new KeySetError(`${url} sends more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return parse(url, Buffer.concat(chunks).toString(), schema);
  }

  async function keySetUrlOf(issuer: string, signal: AbortSignal): Promise<string> {
    if (jwksUrl !== undefined) return jwksUrl;
    const known = discovered.get(issuer);
    if (known && clock.now() < known.until) return known.url;
    const url = discoveryUrlOf(issuer);
    const document = await readJson(url, discoverySchema, signal);
    if (document.issuer !== issuer) {
      throw new KeySetError(`${url} is of the issuer ${JSON.stringify(document.issuer)}; expected exactly ${issuer}`);
    }
    const { jwks_uri: found } = document;
    if (!URL.canParse(found) || !isTrustworthy(new URL(found))) {
      throw new KeySetError(`${url} has an invalid jwks_uri; expected an https URL, or an http URL of this machine`);
    }
    discovered.set(issuer, { url: found, until: clock.now() + DISCOVERY_MS });
    return found;
  }

  return {
    async read(issuer) {
      const timeout = new AbortController();
      const cancelTimeout = clock.after(timeoutMs, () =>
        timeout.abort(new KeySetError(`there was no answer within ${timeoutMs} ms (JWT_TIMEOUT_MS)`)),
      );
      try {
        return await readJson(await keySetUrlOf(issuer, timeout.signal), keySetSchema, timeout.signal);
      } catch (error) {
        discovered.delete(issuer); // Its key set may have moved.
        throw toKeySetError(timeout.signal.aborted ? timeout.signal.reason : error);
      } finally {
        cancelTimeout();
      }
    },
    dispose: async () => void (await Promise.all([...pools.values()].map((pool) => pool.destroy()))),
  };
}

function parse<T>(url: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new KeySetError(`${url} does not send the expected JSON`);
  }
}

function toKeySetError(error: unknown): KeySetError {
  const text = error instanceof Error ? error.message || String(Object(error).code) : String(error);
  return new KeySetError(replaceUnsafe(text).slice(0, 300));
}
