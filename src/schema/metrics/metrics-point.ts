import type { Metric } from '../../upstream/metrics/metrics.ts';
import { builder } from '../core/builder.ts';

/** What was measured at one step, whatever it was read from. */
export interface MetricsPoint {
  readonly step: number;
  /** Seconds since the epoch; null when the source does not tell. */
  readonly createdAt: number | null;
  /** Null where it was not measured. */
  value(metric: Metric): number | null;
  data(): unknown;
}

const DESCRIPTIONS = {
  trainLoss: 'Loss on the batch that was trained on.',
  trainMeanTokenAccuracy: 'Share of the tokens of the batch that was trained on that were predicted right, 0 to 1.',
  validLoss: 'Loss on a batch of the validation file.',
  validMeanTokenAccuracy: 'Share of the tokens of a batch of the validation file that were predicted right, 0 to 1.',
  fullValidLoss: 'Loss on the whole validation file.',
  fullValidMeanTokenAccuracy: 'Share of the tokens of the whole validation file that were predicted right, 0 to 1.',
  trainMeanReward: 'Mean of what the grader gave while training; reinforcement only.',
  validMeanReward: 'Mean of what the grader gave on a part of the validation file; reinforcement only.',
  fullValidMeanReward: 'Mean of what the grader gave on the whole validation file; reinforcement only.',
};

export const FineTuningJobMetricsPoint = builder.objectRef<MetricsPoint>('FineTuningJobMetricsPoint').implement({
  description: 'What a job measured at one step. A metric is null where it was not measured.',
  fields: (t) => {
    const metric = (name: keyof typeof DESCRIPTIONS, wire: Metric) =>
      t.float({ description: DESCRIPTIONS[name], resolve: (point) => point.value(wire) });
    return {
      step: t.exposeInt('step', { nullable: false, description: 'Which step, from 1 on.' }),
      createdAt: t.expose('createdAt', {
        type: 'UnixTimestamp',
        description: 'When it was measured; null where the source, such as a results file, does not tell.',
      }),
      trainLoss: metric('trainLoss', 'train_loss'),
      trainMeanTokenAccuracy: metric('trainMeanTokenAccuracy', 'train_mean_token_accuracy'),
      validLoss: metric('validLoss', 'valid_loss'),
      validMeanTokenAccuracy: metric('validMeanTokenAccuracy', 'valid_mean_token_accuracy'),
      fullValidLoss: metric('fullValidLoss', 'full_valid_loss'),
      fullValidMeanTokenAccuracy: metric('fullValidMeanTokenAccuracy', 'full_valid_mean_token_accuracy'),
      trainMeanReward: metric('trainMeanReward', 'train_mean_reward'),
      validMeanReward: metric('validMeanReward', 'valid_mean_reward'),
      fullValidMeanReward: metric('fullValidMeanReward', 'full_valid_mean_reward'),
      data: t.field({
        type: 'JSON',
        description: 'All that the upstream has for this step, under its own names.',
        resolve: (point) => point.data(),
      }),
    };
  },
});
