import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

// The minimum of X.509 (RFC 5280, 4.1).
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const ED25519 = sequence(oid('2b6570'));
const COMMON_NAME = oid('550403');
const ALTERNATIVE_NAME = oid('551d11');
const BASIC_CONSTRAINTS = oid('551d13');
const TRUE = der(0x01, Buffer.from([255]));
const VERSION_3 = der(0xa0, der(0x02, Buffer.from([2])));
const time = (text: string) => der(0x17, Buffer.from(text));
const bits = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes);
const nameOf = (text: string) => sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))));

const AUTHORITY = sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE)));
const alternativeName = (host: string) => sequence(ALTERNATIVE_NAME, der(0x04, sequence(der(0x82, Buffer.from(host)))));

/** A key and its certificate, both as PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
}

function issue(
  name: string,
  extension: Buffer | null,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
  issuer: Issuer,
): Certificate {
  const { publicKey, privateKey } = keys;
  const content = sequence(
    ...(extension ? [VERSION_3] : []),
    der(0x02, Buffer.from([1]), randomBytes(4)),
    ED25519,
    nameOf(issuer.name),
    sequence(time('200101000000Z'), time('491231235959Z')),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extension ? [der(0xa3, sequence(extension))] : []),
  );
  const certificate = sequence(content, ED25519, bits(sign(null, content, issuer.key)));
  const cert = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert };
}

/** A new key, and a certificate that it has signed. */
export function createSelfSigned(name = 'localhost'): Certificate {
  const keys = generateKeyPairSync('ed25519');
  return issue(name, null, keys, { name, key: keys.privateKey });
}

/** A new authority, whose certificate no system knows. */
export interface Authority {
  /** Its own certificate as PEM. */
  readonly cert: string;
  /** Returns a new certificate for a host. */
  certify(host: string): Certificate;
}

export function createAuthority(name = 'A private authority'): Authority {
  const keys = generateKeyPairSync('ed25519');
  const issuer = { name, key: keys.privateKey };
  return {
    cert: issue(name, AUTHORITY, keys, issuer).cert,
    certify: (host) => issue(host, alternativeName(host), generateKeyPairSync('ed25519'), issuer),
  };
}
