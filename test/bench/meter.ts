import { readFileSync } from 'node:fs';

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

process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
  if (message === 'memory') process.send?.(memory());
  if (message === 'collect') process.send?.(collected());
  if (message === 'sockets') process.send?.(sockets());
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

/** Open connections that keep the process alive: those to clients, and those to the upstream that are in use. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
