import { createRandom } from '../simulation/random.ts';
import { SCENARIOS, type ScenarioSpec } from './scenarios.ts';

/** A brief with the files that all of its jobs share. */
export interface Scenario extends ScenarioSpec {
  readonly trainingTokens: number;
  readonly trainingFile: string;
  readonly validationFile: string | null;
}

const TOKENS_PER_EXAMPLE = 75;

/** Every campaign that the seed's organisation has ever run, the latest first. */
export function createScenarios(seed: number): readonly Scenario[] {
  return SCENARIOS.map((brief, index) => {
    const random = createRandom(seed, 'campaign', index);
    const tokens = brief.trainingTokens ?? brief.examples * TOKENS_PER_EXAMPLE;
    return {
      ...brief,
      trainingTokens: Math.round(tokens * random.between(0.9, 1.1)),
      trainingFile: `file-${random.text(22)}`,
      validationFile: brief.isValidated ? `file-${random.text(22)}` : null,
    };
  });
}
