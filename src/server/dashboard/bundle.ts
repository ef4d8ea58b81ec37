import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';

/** The folder of the dashboard's sources. */
export const SOURCES = fileURLToPath(new URL('../../dashboard/', import.meta.url));

/** Relative to the sources: modules, the script that runs before the first paint, styles and the icon. */
const ENTRIES = { main: 'main.tsx', theme: 'app/early-theme.ts', style: 'styles/main.css', icon: 'styles/icon.svg' };

/** Names of the files that the page itself refers to. */
export type EntryNames = Readonly<Record<keyof typeof ENTRIES, string>>;

/** A bundle: its files by name. A name contains a hash of the content. */
export interface Bundle {
  readonly entries: EntryNames;
  /** The scripts that the browser loads before the first page is shown. */
  readonly initial: readonly string[];
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Bundles the sources of the dashboard. Rejects with esbuild's error when they cannot be bundled. */
export async function bundle(): Promise<Bundle> {
  const { build, stop } = await import('esbuild');
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: SOURCES,
      entryPoints: Object.values(ENTRIES),
      outdir: 'out',
      write: false,
      metafile: true,
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      target: 'es2023',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      loader: { '.svg': 'copy' },
      legalComments: 'none',
      logLevel: 'silent',
      entryNames: '[name]-[hash]',
      chunkNames: '[name]-[hash]',
      assetNames: '[name]-[hash]',
    });
    return {
      entries: entriesOf(metafile),
      initial: initialScripts(metafile),
      files: new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)])),
    };
  } finally {
    await stop(); // Its process would stay as long as the gateway.
  }
}

function outputOf({ outputs }: Metafile, entryPoint: string): string {
  const found = Object.keys(outputs).find((path) => {
    const { entryPoint: entry, inputs = {} } = outputs[path] ?? {};
    return entry === entryPoint || (entry === undefined && entryPoint.endsWith('.svg') && entryPoint in inputs);
  });
  if (found === undefined) throw new Error(`esbuild: has no output of ${entryPoint}`);
  return found;
}

function entriesOf(metafile: Metafile): EntryNames {
  const nameOf = (entry: keyof EntryNames) => basename(outputOf(metafile, ENTRIES[entry]));
  return { main: nameOf('main'), theme: nameOf('theme'), style: nameOf('style'), icon: nameOf('icon') };
}

/** The main script and all that it imports statically. */
function initialScripts(metafile: Metafile): string[] {
  const found = new Set<string>();
  const visit = (path: string) => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: imported, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement') visit(imported);
    }
  };
  visit(outputOf(metafile, ENTRIES.main));
  return [...found].map((path) => basename(path));
}
