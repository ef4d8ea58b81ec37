import { graphUrl } from '../data/graphql-client.ts';

/** The tabs of one caller in this browser, which share a connection. */
export interface TabGroup {
  /** The name of their channel and their lock. */
  readonly name: string;
  readonly url: string;
  /** Null for a gateway without tokens. */
  readonly token: string | null;
}

/** Whether this browser has all that tabs need to share a connection. It is missing on a page without TLS of another machine. */
export const canShare = (): boolean => 'locks' in navigator && 'subtle' in crypto && 'BroadcastChannel' in globalThis;

/** Another token is another caller. The name does not show it. */
export async function tabGroup(token: string | null): Promise<TabGroup> {
  const url = socketUrl();
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${url} ${token ?? ''}`));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { name: `finetune-gateway/live/${hex}`, url, token };
}

export const socketUrl = (): string => graphUrl().href.replace(/^http/, 'ws');

/** The payload of `connection_init`. */
export const initPayload = (token: string | null): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` };
