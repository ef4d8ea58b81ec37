import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOURCES } from './bundle.ts';

/** Packages that are part of a bundle, or that make it. */
const PACKAGES = ['esbuild', 'preact', '@preact/signals', '@preact/signals-core', 'graphql-ws', 'uplot'];

const BUNDLER = new URL('./bundle.ts', import.meta.url);
const NODE_MODULES = new URL('../../../node_modules/', import.meta.url);

/** Folders of the gateway whose modules are part of a bundle. */
const SHARED = ['json', 'training-data'].map((name) =>
  fileURLToPath(new URL(`../../upstream/${name}/`, import.meta.url)),
);

/** A hash of all that decides the content of a bundle. */
export async function readBuildKey(): Promise<string> {
  const folders = await Promise.all([SOURCES, ...SHARED].map(readFolder));
  const sources = folders.flat();
  const manifests = PACKAGES.map((name) => new URL(`${name}/package.json`, NODE_MODULES));
  const files = [...sources.sort(), BUNDLER, ...manifests];
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256');
  for (const [index, content] of contents.entries()) {
    hash.update(`${pathOf(sources[index]) ?? index}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

async function readFolder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** Relative: the same sources have the same key in each folder. */
const pathOf = (source: string | undefined) => source && relative(SOURCES, source);
