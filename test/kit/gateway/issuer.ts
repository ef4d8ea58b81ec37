import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { Clock } from '../../../src/clock.ts';
import { systemClock } from '../../../src/clock.ts';

type Script = (request: IncomingMessage, response: ServerResponse) => void;

export interface TokenOptions {
  readonly alg?: string;
  /** The key of the signature; by default the newest key of the issuer. */
  readonly key?: CryptoKey | Uint8Array;
  /** Null leaves the header out. */
  readonly kid?: string | null;
}

/** An identity provider on loopback: its discovery document, its keys, and tokens. */
export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  /** The settings of a gateway that accepts its tokens. */
  readonly settings: Readonly<Record<string, string>>;
  /** Number of requests for the discovery document and for the keys. */
  readonly reads: { discovery: number; keys: number };
  /** The published keys. */
  readonly keys: JWK[];
  /** Replaces all published keys by a new one. */
  rotate(alg?: string): Promise<void>;
  /** Signs a token of an operator that expires in five minutes. A claim that is undefined is left out. */
  sign(claims?: JWTPayload, options?: TokenOptions): Promise<string>;
  /** Sets the handler of all requests, until it is set to null. */
  failAll(script: Script | null): void;
  /** Members that replace those of the discovery document. */
  document: Record<string, unknown>;
}

export const AUDIENCE = 'finetune-gateway';

export async function startIssuer(clock: Clock = systemClock): Promise<TestIssuer> {
  const reads = { discovery: 0, keys: 0 };
  const keys: JWK[] = [];
  let signingKey: CryptoKey;
  let rotations = 0;
  let failure: Script | null = null;
  const server = createServer((request, response) => {
    const isDiscovery = request.url === '/realm/.well-known/openid-configuration';
    reads[isDiscovery ? 'discovery' : 'keys']++;
    if (failure) return failure(request, response);
    response.setHeader('content-type', 'application/json');
    if (isDiscovery) response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys`, ...issuer.document }));
    else response.writeHead(request.url === '/realm/keys' ? 200 : 404).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realm`; // The address of a TCP server.
  const issuer: TestIssuer = {
    url,
    settings: {
      AUTH: 'jwt',
      JWT_ISSUERS: url,
      JWT_AUDIENCE: AUDIENCE,
      JWT_ROLES: 'readers=viewer,tuners=operator,admins=admin',
    },
    reads,
    keys,
    document: {},
    async rotate(alg = 'RS256') {
      const pair = await generateKeyPair(alg, { extractable: true });
      signingKey = pair.privateKey;
      keys.splice(0, keys.length, { ...(await exportJWK(pair.publicKey)), kid: `key-${++rotations}`, use: 'sig', alg });
    },
    async sign(claims = {}, { alg = keys[0]?.alg ?? 'RS256', key = signingKey, kid = keys[0]?.kid ?? null } = {}) {
      const now = Math.floor(clock.timeOfDay() / 1000);
      const defaults = { iss: url, sub: 'user-1', aud: AUDIENCE, exp: now + 300, roles: ['tuners'] };
      const header = { alg, ...(kid !== null && { kid }) };
      return await new SignJWT({ ...defaults, ...claims }).setProtectedHeader(header).sign(key);
    },
    failAll(script) {
      failure = script;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await issuer.rotate();
  return issuer;
}
