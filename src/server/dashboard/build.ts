import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { assertTrusted, removeOldBuilds } from './build-folder.ts';
import { readBuildKey } from './build-key.ts';
import { bundle, type EntryNames } from './bundle.ts';

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/** Beside the compiled code of the gateway: compile-cache.cjs creates the parent for this user alone. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/finetune-gateway/dashboard/', import.meta.url));
const MANIFEST = 'manifest.json';

/** A file in each form in which it is sent. */
export interface Asset {
  readonly identity: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
}

interface Manifest {
  readonly entries: EntryNames;
  readonly initial: readonly string[];
}

/** The files of the dashboard, ready to be sent. */
export interface Build extends Manifest {
  readonly assets: ReadonlyMap<string, Asset>;
}

/** Reads the build of the present sources from the cache, or creates it. Rejects when the sources cannot be bundled. */
export async function loadBuild(): Promise<Build> {
  const folder = join(CACHE, await readBuildKey());
  return (await readBuild(folder)) ?? (await createBuild(folder));
}

async function createBuild(folder: string): Promise<Build> {
  const { files, ...manifest } = await bundle();
  const assets = await Promise.all(Array.from(files, async ([name, file]) => [name, await compress(file)] as const));
  const build = { ...manifest, assets: new Map(assets) };
  try {
    await writeBuild(folder, build);
    await removeOldBuilds(CACHE, basename(folder));
  } catch {
    // Read-only, or not private: each process bundles once.
  }
  return build;
}

async function compress(identity: Buffer): Promise<Asset> {
  const [br, gzip] = await Promise.all([compressBrotli(identity), compressGzip(identity, { level: 9 })]);
  return { identity, br, gzip };
}

/** Returns undefined when the folder has no build that can be trusted. */
async function readBuild(folder: string): Promise<Build | undefined> {
  try {
    await Promise.all([CACHE, folder].map(assertTrusted));
    const manifest: Manifest = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'));
    const names = (await readdir(folder)).filter((name) => name !== MANIFEST && !/\.(br|gz)$/.test(name));
    const assets = await Promise.all(
      names.map(async (name) => {
        const path = join(folder, name);
        const [identity, br, gzip] = await Promise.all([
          readFile(path),
          readFile(`${path}.br`),
          readFile(`${path}.gz`),
        ]);
        return [name, { identity, br, gzip }] as const;
      }),
    );
    return { ...manifest, assets: new Map(assets) };
  } catch {
    return undefined;
  }
}

/** Moves a whole folder to its place, because another process can read or write the same build now. */
async function writeBuild(folder: string, { assets, ...manifest }: Build): Promise<void> {
  await mkdir(CACHE, { recursive: true, mode: 0o755 });
  await assertTrusted(CACHE);
  const temporary = await mkdtemp(join(CACHE, 'new-'));
  try {
    for (const [name, { identity, br, gzip }] of assets) {
      const path = join(temporary, name);
      const forms = Object.entries({ '': identity, '.br': br, '.gz': gzip });
      await Promise.all(forms.map(([suffix, form]) => writeFile(path + suffix, form, { mode: 0o644 })));
    }
    await writeFile(join(temporary, MANIFEST), JSON.stringify(manifest), { mode: 0o644 });
    await chmod(temporary, 0o755); // A container image is built by another user than the one that runs it.
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
