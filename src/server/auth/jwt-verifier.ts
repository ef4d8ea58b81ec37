import { hash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { Network } from '../../network/network.ts';
import type { Role } from '../../request/viewer.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { createIssuerKeys, type IssuerKeys, type KeySet } from './issuer-keys.ts';
import { nameOf, roleOf } from './jwt-claims.ts';
import { type JwtCaller, JwtError } from './jwt-error.ts';
import { problemOf } from './jwt-problem.ts';
import { createKeySetClient } from './key-set-client.ts';

export interface JwtSettings {
  /** The accepted values of `iss`. */
  readonly issuers: readonly string[];
  readonly jwksUrl?: string | undefined;
  /** The accepted values of `aud`. */
  readonly audiences: readonly string[];
  /** Name or path of the claim with the roles. */
  readonly roleClaim: string;
  readonly roleByValue: ReadonlyMap<string, Role>;
  /** Names or paths of the claims with the caller's name; the first text is used. */
  readonly nameClaims: readonly string[];
  readonly toleranceMs: number;
  /** Maximum time to read the keys of an issuer. */
  readonly timeoutMs: number;
}

/** Verifies JWTs by the keys of their issuers. */
export interface JwtVerifier {
  /** Returns the caller of a token that is known to be valid; else a promise, which rejects with a JwtError. */
  verify(token: string): JwtCaller | Promise<JwtCaller>;
  dispose(): Promise<void>;
}

/** Only keys that issuers can publish: a token must not be signed with a public key as its secret. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

/** Maximum characters of a token. Those with hundreds of groups have some 6000. */
const MAX_LENGTH = 8192;
/** Maximum characters of a subject (OpenID Connect Core 1.0, 2). */
const MAX_SUBJECT_LENGTH = 255;
/** Maximum number of tokens that are known to be valid. */
const MAX_KNOWN_TOKENS = 10_000;

interface KnownToken {
  readonly caller: JwtCaller;
  readonly keys: KeySet;
  readonly issuer: IssuerKeys;
}

export function createJwtVerifier(settings: JwtSettings, network: Network, clock: Clock, log: Logger): JwtVerifier {
  const client = createKeySetClient(settings, network, clock);
  const stop = new AbortController();
  const options = { read: client.read, clock, log, signal: stop.signal };
  const issuers = new Map(settings.issuers.map((issuer) => [issuer, createIssuerKeys({ issuer, ...options })]));
  const known = new LRUCache<string, KnownToken>({ maxSize: MAX_KNOWN_TOKENS, sizeCalculation: () => 1 });
  const verifying = new Map<string, Promise<JwtCaller>>();
  for (const keys of issuers.values()) keys.known(); // Reads them now, so that the first request does not wait.

  async function verify(token: string, digest: string): Promise<JwtCaller> {
    if (token.length > MAX_LENGTH)
      throw new JwtError(`the token is longer than ${MAX_LENGTH} characters; use a shorter one`);
    const name = issuerNameOf(token);
    const issuer = issuers.get(name); // The only use of `iss`: a token never makes a URL.
    if (issuer === undefined)
      throw new JwtError('the token is of an unknown issuer (iss); expected one of JWT_ISSUERS');
    const { payload, keys } = await verifySignature(token, issuer);
    const caller = callerOf(payload, name);
    known.set(digest, { caller, keys, issuer });
    return caller;
  }

  async function verifySignature(token: string, issuer: IssuerKeys) {
    const keys = await issuer.get();
    try {
      return { payload: await verifyWith(keys, token), keys };
    } catch (error) {
      if (!lacksKey(error, token)) throw problemOf(error);
      const renewed = await issuer.renew(keys);
      if (renewed === keys) throw problemOf(error);
      const payload = await verifyWith(renewed, token).catch((cause) => {
        throw problemOf(cause);
      });
      return { payload, keys: renewed };
    }
  }

  async function verifyWith(keys: KeySet, token: string): Promise<JWTPayload> {
    const options = {
      algorithms: ALGORITHMS,
      issuer: [...settings.issuers],
      audience: [...settings.audiences],
      requiredClaims: ['exp', 'sub'],
      clockTolerance: settings.toleranceMs / 1000,
      currentDate: new Date(clock.timeOfDay()),
    };
    try {
      return (await jwtVerify(token, keys.find, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      for await (const key of error) {
        const result = await jwtVerify(token, key, options).catch(unlessWrongKey);
        if (result) return result.payload;
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }

  function callerOf(payload: JWTPayload, issuer: string): JwtCaller {
    const { sub: subject, exp = 0 } = payload;
    if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT_LENGTH) {
      throw new JwtError(`the token has an invalid sub; expected a text of at most ${MAX_SUBJECT_LENGTH} characters`);
    }
    return {
      issuer,
      subject,
      name: nameOf(payload, settings.nameClaims, subject),
      role: roleOf(payload, settings.roleClaim, settings.roleByValue),
      expiresAt: exp * 1000 + settings.toleranceMs,
    };
  }

  return {
    verify(token) {
      const digest = hash('sha256', token, 'base64');
      const found = known.get(digest);
      // A token is verified again when the keys have changed: its own may have been withdrawn.
      const isKnown = found && clock.timeOfDay() < found.caller.expiresAt && found.keys === found.issuer.known();
      if (isKnown) return found.caller;
      const running = verifying.get(digest);
      if (running) return running;
      const started = verify(token, digest).finally(() => verifying.delete(digest));
      verifying.set(digest, started);
      return started;
    },
    async dispose() {
      stop.abort();
      await client.dispose();
    },
  };
}

/** The issuer that an unverified token names. Throws a JwtError for a text that is no JWT. */
function issuerNameOf(token: string): string {
  try {
    return String(decodeJwt(token).iss ?? '');
  } catch {
    throw new JwtError('the token is no JWT; send an access token of your identity provider');
  }
}

/** Whether other keys of the issuer could verify the token. */
function lacksKey(error: unknown, token: string): boolean {
  if (error instanceof errors.JWKSNoMatchingKey) return true;
  return error instanceof errors.JWSSignatureVerificationFailed && decodeProtectedHeader(token).kid === undefined;
}

function unlessWrongKey(error: unknown): null {
  if (error instanceof errors.JWSSignatureVerificationFailed) return null;
  throw error;
}
