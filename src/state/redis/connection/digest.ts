import { hash } from 'node:crypto';

/** The part of a key that stands for a caller or an address: of fixed length, and without its name. */
export const digestOf = (name: string): string => hash('sha256', name, 'base64url').slice(0, 22);
