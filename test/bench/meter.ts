// Loaded into a measured process before its own program: tells the bench what the process has cost so far.

/** What a process holds in memory, in bytes. */
export interface Memory {
  /** Of the machine, now. */
  readonly resident: number;
  /** Of the machine, ever. */
  readonly mostResident: number;
  /** By JavaScript's objects and buffers; garbage too, unless it was asked to collect that first (`--expose-gc`). */
  readonly used: number;
}

process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
  if (message === 'memory') process.send?.(memory());
  if (message === 'collect') process.send?.(collected());
  if (message === 'sockets') process.send?.(sockets());
});
process.on('disconnect', () => process.exit()); // The bench is gone, however it ended: leave nothing behind.
process.channel?.unref(); // Being measured keeps no program alive.

function memory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, mostResident: process.resourceUsage().maxRSS * 1024, used: heapUsed + external };
}

function collected(): Memory {
  globalThis.gc?.();
  return memory();
}

/** Connections of either side that are open and keep the process alive: those that rest in the upstream's pool do not. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
