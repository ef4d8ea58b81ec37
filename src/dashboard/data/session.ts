import { type ReadonlySignal, signal } from '@preact/signals';
import { Session, type SessionQuery } from '../operations/generated.ts';
import { query } from './graphql-client.ts';
import type { RequestError } from './request-error.ts';
import { createSequence } from './sequence.ts';

const loaded = signal<SessionQuery | null>(null);
const failure = signal<RequestError | null>(null);
const startRequest = createSequence();

/** The gateway and the caller; null until they are loaded. */
export const session: ReadonlySignal<SessionQuery | null> = loaded;

/** Why the session is not loaded; null without a failure. */
export const sessionError: ReadonlySignal<RequestError | null> = failure;

export async function loadSession(): Promise<void> {
  const isNewest = startRequest();
  const answer = await query(Session, {});
  if (!isNewest()) return;
  failure.value = answer.ok ? null : answer.error;
  if (answer.ok) loaded.value = answer.data;
}
