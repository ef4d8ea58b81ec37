import './compile-cache.cjs';

// Imported after it, so that all other code comes from the cache.
const { run } = await import('./cli/run.ts');
await run(process.env);
