import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { COMPILE_CACHE } from './process.ts';

const PACKAGES = join(import.meta.dirname, '../../../node_modules');

export interface Outcome {
  exitCode: number | string;
  /** What it wrote to both outputs. */
  output: string;
}

/** Runs a script of an installed package, named by its path below `node_modules`, and waits for its end. */
export function runTool(script: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...COMPILE_CACHE };
    execFile(process.execPath, [join(PACKAGES, script), ...args], { cwd, env }, (error, stdout, stderr) =>
      resolve({ exitCode: error ? (error.code ?? String(error.signal)) : 0, output: stdout + stderr }),
    );
  });
}
