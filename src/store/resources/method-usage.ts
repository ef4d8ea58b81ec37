import { membersOf } from '../../upstream/json/members.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { keyOf } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** The training methods that the jobs of an account have used on a base model: the upstream has accepted them. */
export interface MethodUsage {
  /** Records the method of a job. */
  record(access: Access, job: Job): void;
  /** Returns the methods in the upstream's spelling. Empty when none is known, and when caching is disabled. */
  methodsUsedOn(access: Access, modelId: string): readonly string[];
}

/** More methods than any server has. Names of methods have few characters. */
const [MAX_METHODS, MAX_NAME_LENGTH] = [10, 100];

export function createMethodUsage({ partition }: Pick<ResourceStoreOptions, 'partition'>): MethodUsage {
  const methods = partition<readonly string[]>('methods of a model');
  return {
    record(access, job) {
      if (methods === null) return;
      const key = keyOf(access, job.model);
      const method = methodNameOf(job);
      const used = methods.get(key) ?? [];
      if (used.includes(method) || used.length === MAX_METHODS || method.length > MAX_NAME_LENGTH) return;
      methods.set(key, [...used, method], 2 * MAX_NAME_LENGTH * (used.length + 1));
    },
    methodsUsedOn: (access, modelId) => methods?.get(keyOf(access, modelId)) ?? [],
  };
}

/** Servers without `method` have supervised fine-tuning only (docs/upstream.md: Hyperparameters). Not parsed: this is a hot path. */
function methodNameOf({ raw }: Job): string {
  const { type } = membersOf(membersOf(raw)['method']);
  return typeof type === 'string' ? type : 'supervised';
}
