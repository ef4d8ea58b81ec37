import type { Socket } from 'node:net';
import { MIN_KEY_LENGTH } from '../../src/upstream/credentials/credential.ts';

/** Throws when one of the texts has one of the secrets in it, whole. What is too short to be a secret is none. */
export function assertNoSecrets(secrets: readonly string[], texts: readonly string[]): void {
  for (const secret of secrets.filter(({ length }) => length >= MIN_KEY_LENGTH)) {
    const leak = texts.find((text) => text.includes(secret));
    if (leak !== undefined) throw new Error(`a secret stands in: ${leak.replaceAll(secret, '[secret]')}`);
  }
}

/** Settings that nobody but who made them may see. */
export const secretSettings = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => (/_(KEY|SECRET|TOKEN)$/.test(name) ? [value] : []));

/** Connections that are watched already: one serves many requests. */
const watched = new WeakSet<Socket>();

/** Tells everything that a server writes to a client from now on. */
export function watchAnswers(socket: Socket, tell: (text: string) => void): void {
  if (watched.has(socket)) return;
  watched.add(socket);
  socket.write = new Proxy(socket.write, {
    apply(write, self, args: [string | Uint8Array]) {
      const [bytes] = args;
      tell(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1'));
      return Reflect.apply(write, self, args);
    },
  });
}
