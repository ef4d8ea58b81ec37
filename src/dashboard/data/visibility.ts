import { after } from './clock.ts';

/** Whether the browser has no network that leads to the gateway. A gateway on this machine needs none. */
export const isOffline = (): boolean => !navigator.onLine && !isLoopback(location.hostname);

/** Whether a host name is that of this machine. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);

/** Resolves when the page is visible and the browser is online: at once if it is. */
export function untilUsable(): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (document.hidden || isOffline()) return;
      document.removeEventListener('visibilitychange', check);
      globalThis.removeEventListener('online', check);
      resolve();
    };
    document.addEventListener('visibilitychange', check);
    globalThis.addEventListener('online', check);
    check();
  });
}

/** Runs `callback` whenever the page has been hidden for `ms` milliseconds. It can be hidden from the beginning. */
export function onHiddenFor(ms: number, callback: () => void): void {
  let cancel = () => {};
  const check = () => {
    cancel();
    cancel = document.hidden ? after(ms, callback) : () => {};
  };
  document.addEventListener('visibilitychange', check);
  check();
}
