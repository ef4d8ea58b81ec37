import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { COMPILE_CACHE } from './process.ts';

const PACKAGES = join(import.meta.dirname, '../../../node_modules');

export interface Outcome {
  exitCode: number | string;
  /** Everything on both outputs. */
  output: string;
}

/** Runs a script of an installed package, by its path below `node_modules`, until it exits. */
export function runTool(script: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...COMPILE_CACHE };
    execFile(process.execPath, [join(PACKAGES, script), ...args], { cwd, env }, (error, stdout, stderr) =>
      resolve({ exitCode: error ? (error.code ?? String(error.signal)) : 0, output: stdout + stderr }),
    );
  });
}
