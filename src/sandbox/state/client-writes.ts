import type { FilePlan } from '../artifacts/file.ts';
import type { Permission } from '../artifacts/permission.ts';
import type { JobPlan } from '../simulation/job-plan.ts';

/** All that clients have written, beside what the seed says: it goes with the sandbox. */
export interface ClientWrites {
  /** Another number after each change. */
  readonly version: number;
  /** The jobs that clients made, newest first, as they are by now. */
  readonly jobs: readonly JobPlan[];
  /** Uploaded files, newest first, deleted ones too. */
  readonly files: readonly FilePlan[];
  /** Newest first. */
  readonly permissions: readonly Permission[];
  /** How many things have been made: never the same number twice. */
  nextNumber(): number;
  addJob(plan: JobPlan): void;
  /** A job as it is since the last intervention; the same plan when there was none. */
  currentPlan(plan: JobPlan): JobPlan;
  /** Puts what an intervention made in the place of the job with its id. */
  replacePlan(plan: JobPlan): void;
  addFile(file: FilePlan): void;
  setPermissions(permissions: readonly Permission[]): void;
  /** A job, file or model that is there no more from now on; models by OpenAI's name. */
  remove(id: string): void;
  isRemoved(id: string): boolean;
  /** Calls back after each change, until it is told to stop. */
  onChange(listener: () => void): () => void;
}

export function createClientWrites(): ClientWrites {
  const made: string[] = [];
  const files: FilePlan[] = [];
  const present = new Map<string, JobPlan>();
  const removed = new Set<string>();
  const listeners = new Set<() => void>();
  let permissions: readonly Permission[] = [];
  let [version, numbers] = [0, 0];

  function change(write: () => void): void {
    write();
    version += 1;
    for (const listener of listeners) listener();
  }

  return {
    get version() {
      return version;
    },
    get jobs() {
      return made.flatMap((id) => present.get(id) ?? []);
    },
    files,
    get permissions() {
      return permissions;
    },
    nextNumber: () => ++numbers,
    addJob: (plan) =>
      change(() => {
        made.unshift(plan.id);
        present.set(plan.id, plan);
      }),
    currentPlan: (plan) => present.get(plan.id) ?? plan,
    replacePlan: (plan) => change(() => void present.set(plan.id, plan)),
    addFile: (file) => change(() => void files.unshift(file)),
    setPermissions: (list) =>
      change(() => {
        permissions = list;
      }),
    remove: (id) => change(() => void removed.add(id)),
    isRemoved: (id) => removed.has(id),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
