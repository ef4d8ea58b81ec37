import type { FilePlan } from '../artifacts/file.ts';
import type { Permission } from '../artifacts/permission.ts';
import type { JobPlan } from '../simulation/job-plan.ts';

/** All writes of clients, in memory. */
export interface ClientWrites {
  /** Incremented by each write. */
  readonly version: number;
  /** The current plans of the jobs that clients created, newest first. */
  readonly jobs: readonly JobPlan[];
  /** Uploads, newest first, including deleted ones. */
  readonly files: readonly FilePlan[];
  /** Newest first. */
  readonly permissions: readonly Permission[];
  /** Returns a different number for each new resource. */
  nextNumber(): number;
  addJob(plan: JobPlan): void;
  /** Returns the plan after the last intervention; the same plan without one. */
  currentPlan(plan: JobPlan): JobPlan;
  /** Replaces the current plan of the job with the same id. */
  replacePlan(plan: JobPlan): void;
  addFile(file: FilePlan): void;
  setPermissions(permissions: readonly Permission[]): void;
  /** Removes a job or file by id, or a model by its name in the dialect openai. */
  remove(id: string): void;
  isRemoved(id: string): boolean;
  /** Calls the listener after each write. Returns a function that removes the listener. */
  onChange(listener: () => void): () => void;
}

export function createClientWrites(): ClientWrites {
  const createdIds: string[] = [];
  const files: FilePlan[] = [];
  const currentPlans = new Map<string, JobPlan>();
  const removed = new Set<string>();
  const listeners = new Set<() => void>();
  let permissions: readonly Permission[] = [];
  let [version, lastNumber] = [0, 0];

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
      return createdIds.flatMap((id) => currentPlans.get(id) ?? []);
    },
    files,
    get permissions() {
      return permissions;
    },
    nextNumber: () => ++lastNumber,
    addJob: (plan) =>
      change(() => {
        createdIds.unshift(plan.id);
        currentPlans.set(plan.id, plan);
      }),
    currentPlan: (plan) => currentPlans.get(plan.id) ?? plan,
    replacePlan: (plan) => change(() => void currentPlans.set(plan.id, plan)),
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
