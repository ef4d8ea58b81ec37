import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { queryObjects } from 'node:v8';

// Loaded into a measured process before its own program: reports its resource usage to the bench.

/** Memory of a process, in bytes. */
export interface Memory {
  /** Resident set size. */
  readonly resident: number;
  /** Maximum resident set size so far. */
  readonly maxResident: number;
  /** JavaScript objects and buffers, with garbage unless it was collected before (`--expose-gc`). */
  readonly used: number;
}

/** Numbers of what a process holds after a garbage collection, which counts what is referenced only. */
export interface Resources {
  /** Open connections, without the idle ones of pools. */
  readonly sockets: number;
  /** Running timers, those that keep no process alive included; without those of idle connections in pools. */
  readonly timers: number;
  /** Listeners of the process and of its HTTP server. */
  readonly listeners: number;
  /** Listeners of AbortSignals, and of all other EventTargets. */
  readonly signalListeners: number;
}

process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
  if (message === 'memory') process.send?.(memory());
  if (message === 'collect') process.send?.(collected());
  if (message === 'sockets') process.send?.(sockets());
  if (message === 'resources') process.send?.(resources());
});
process.on('disconnect', () => process.exit()); // The bench has exited, maybe abnormally: exit too.
process.channel?.unref(); // The meter keeps no program alive.

function memory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, maxResident: maxResident(), used: heapUsed + external };
}

/** On Linux, `maxRSS` starts with the size of the process that started this one. The kernel also has the process's own. */
function maxResident(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readStatus()) ?? [];
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS);
}

function readStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return ''; // Another system.
  }
}

function collected(): Memory {
  globalThis.gc?.();
  return memory();
}

// The server of the first request. Later ones take no time of the meter.
let httpServer: EventEmitter | undefined;
const REQUEST = 'http.server.request.start';
subscribe(REQUEST, function onRequest(message) {
  httpServer = Object(message).server;
  unsubscribe(REQUEST, onRequest);
});

/** Open connections that keep the process alive: those to clients, and those to the upstream that are in use. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

function resources(): Resources {
  return {
    sockets: sockets(),
    timers: summaries(timerClass()).filter(isRunning).length,
    listeners: listenersOf(process) + (httpServer ? listenersOf(httpServer) : 0),
    signalListeners: summaries(listenerClass()).length,
  };
}

/** undici closes an idle connection by a timer `onParserTimeout`. Its other timers of that name are off in the gateway. */
const isRunning = (timer: string) => timer.includes('_destroyed: false') && !timer.includes('onParserTimeout');

type Class = Parameters<typeof queryObjects>[0];

/** Texts of all objects of a class. */
function summaries(type: Class): readonly string[] {
  const found = queryObjects(type, { format: 'summary' });
  return Array.isArray(found) ? found : [];
}

function listenersOf(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

// Node does not export these two classes.

function timerClass() {
  const timer = setTimeout(() => {});
  clearTimeout(timer);
  return timer.constructor;
}

function listenerClass(): Class {
  const target = new EventTarget();
  target.addEventListener('event', () => {});
  const events = Object.getOwnPropertySymbols(target).find(({ description }) => description === 'kEvents');
  return Reflect.get(target, events ?? '').get('event').next.constructor;
}
