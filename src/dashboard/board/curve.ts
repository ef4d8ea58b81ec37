/** A value of a curve at a step. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

/** A curve in few points, which include its best and its last value. */
export interface Curve {
  readonly metric: 'loss' | 'reward';
  readonly points: readonly CurvePoint[];
  /** The minimum of a loss, the maximum of a reward. */
  readonly best: number;
  readonly last: number;
}

interface Step {
  readonly step: number;
  readonly trainLoss: number | null;
  readonly trainMeanReward: number | null;
}

/** The training loss, or the training reward of a job that has no loss or is rewarded. Null without values. */
export function curveFrom(steps: readonly Step[], isRewarded: boolean): Curve | null {
  const losses = steps.flatMap(({ step, trainLoss: value }) => (value === null ? [] : [{ step, value }]));
  const rewards = steps.flatMap(({ step, trainMeanReward: value }) => (value === null ? [] : [{ step, value }]));
  const hasReward = rewards.length > 0 && (isRewarded || losses.length === 0);
  const points = hasReward ? rewards : losses;
  const last = points.at(-1);
  if (last === undefined) return null;
  const values = points.map(({ value }) => value);
  return hasReward
    ? { metric: 'reward', points, last: last.value, best: Math.max(...values) }
    : { metric: 'loss', points, last: last.value, best: Math.min(...values) };
}
