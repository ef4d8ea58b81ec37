import type { Socket } from 'node:net';
import { MIN_KEY_LENGTH } from '../../src/upstream/credentials/credential.ts';

/** Throws when a text contains a secret. Text that is too short for a secret is ignored. */
export function assertNoSecrets(secrets: readonly string[], texts: readonly string[]): void {
  for (const secret of secrets.filter(({ length }) => length >= MIN_KEY_LENGTH)) {
    const leak = texts.find((text) => text.includes(secret));
    if (leak !== undefined) throw new Error(`a secret is in: ${leak.replaceAll(secret, '[secret]')}`);
  }
}

/** The secrets among settings, by their names. */
export const secretSettings = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => (/_(KEY|SECRET|TOKEN)$/.test(name) ? [value] : []));

/** Connections that are watched already, because one serves many requests. */
const watched = new WeakSet<Socket>();

/** Emits everything that a server writes to a client from now on. */
export function watchResponses(socket: Socket, onWrite: (text: string) => void): void {
  if (watched.has(socket)) return;
  watched.add(socket);
  socket.write = new Proxy(socket.write, {
    apply(write, self, args: [string | Uint8Array]) {
      const [bytes] = args;
      onWrite(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1'));
      return Reflect.apply(write, self, args);
    },
  });
}
