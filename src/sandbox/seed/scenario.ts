import { createRandom } from '../simulation/random.ts';
import type { MethodKind } from './scenario-method.ts';
import { SCENARIO_DEFAULTS, SCENARIOS, type ScenarioSpec } from './scenarios.ts';

/** A scenario with its defaults and with the files that its jobs share. */
export interface Scenario extends Omit<ScenarioSpec, keyof typeof SCENARIO_DEFAULTS> {
  readonly suffix: string | null;
  readonly method: MethodKind;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly wandbProject: string | null;
  readonly trainingTokens: number;
  readonly trainingFile: string;
  readonly validationFile: string | null;
}

const TOKENS_PER_EXAMPLE = 75;

/** Returns the scenarios of a seed, the latest first. */
export function createScenarios(seed: number): readonly Scenario[] {
  return SCENARIOS.map((spec, index) => {
    const random = createRandom(seed, 'campaign', index); // Another key would change all ids of a seed.
    const { hasValidationFile, ...scenario } = { ...SCENARIO_DEFAULTS, ...spec };
    const tokens = spec.trainingTokens ?? spec.examples * TOKENS_PER_EXAMPLE;
    return {
      ...scenario,
      trainingTokens: Math.round(tokens * random.between(0.9, 1.1)),
      trainingFile: `file-${random.text(22)}`,
      validationFile: hasValidationFile ? `file-${random.text(22)}` : null,
    };
  });
}
