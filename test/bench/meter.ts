// Loaded into a measured process before its own program: tells the bench what the process has cost so far.
process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
});
process.on('disconnect', () => process.exit()); // The bench is gone, however it ended: leave nothing behind.
process.channel?.unref(); // Being measured keeps no program alive.
