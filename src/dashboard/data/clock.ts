import { signal } from '@preact/signals';

/** The only module of the dashboard that reads the time or sets timers. */

/** Milliseconds since the epoch. */
export const currentMs = (): number => Date.now();

const ticks = signal(currentMs());

/** The present time in seconds since 1970. A component that reads it is rendered each second while the page is visible. */
export const nowSeconds = {
  get value(): number {
    return Math.floor(ticks.value / 1000);
  },
};

/** Runs `callback` once after `ms` milliseconds. Returns a cancel function. */
export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** Resolves after `ms` milliseconds. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));

/** Resolves in a later task, after waiting input. Not a timer, because browsers slow down the timers of hidden pages. */
export function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

const tick = () => {
  ticks.value = currentMs();
};
setInterval(() => {
  if (!document.hidden) tick();
}, 1000);
document.addEventListener('visibilitychange', tick);
