import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

/** Bundles a module into a script that sets the global `page` to its exports. */
export async function bundle(module: string): Promise<string> {
  const entry = fileURLToPath(new URL(module, import.meta.url));
  const output = await build({
    configFile: false,
    logLevel: 'warn',
    oxc: { jsx: { development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, lib: { entry, formats: ['iife'], name: 'page' } },
  });
  const [
    {
      output: [chunk],
    },
  ] = output as Rolldown.RolldownOutput[] as [Rolldown.RolldownOutput]; // One output per format.
  return chunk.code;
}
