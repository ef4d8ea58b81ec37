import type { Metric } from '../../upstream/metrics/metrics.ts';
import { builder } from '../core/builder.ts';

/** The metrics of one step, from an event, a results file or a checkpoint. */
export interface MetricsPoint {
  readonly step: number;
  /** Seconds since 1970; null when the source does not report it. */
  readonly createdAt: number | null;
  /** Null when the metric was not measured at this step. */
  value(metric: Metric): number | null;
  data(): unknown;
}

const DESCRIPTIONS = {
  trainLoss: 'Loss on the training batch.',
  trainMeanTokenAccuracy: 'Share of correctly predicted tokens of the training batch, from 0 to 1.',
  validLoss: 'Loss on a batch of the validation file.',
  validMeanTokenAccuracy: 'Share of correctly predicted tokens of a batch of the validation file, from 0 to 1.',
  fullValidLoss: 'Loss on the whole validation file.',
  fullValidMeanTokenAccuracy: 'Share of correctly predicted tokens of the whole validation file, from 0 to 1.',
  trainMeanReward: 'Mean score of the grader on the training batch. Reinforcement fine-tuning only.',
  validMeanReward: 'Mean score of the grader on a part of the validation file. Reinforcement fine-tuning only.',
  fullValidMeanReward: 'Mean score of the grader on the whole validation file. Reinforcement fine-tuning only.',
};

export const FineTuningJobMetricsPoint = builder.objectRef<MetricsPoint>('FineTuningJobMetricsPoint').implement({
  description: 'The metrics of a job at one step. A metric is null when it was not measured at this step.',
  fields: (t) => {
    const metric = (name: keyof typeof DESCRIPTIONS, wireName: Metric) =>
      t.float({
        description: `${DESCRIPTIONS[name]} Null when it was not measured.`,
        resolve: (point) => point.value(wireName),
      });
    return {
      step: t.exposeInt('step', { nullable: false, description: 'The training step, from 1.' }),
      createdAt: t.expose('createdAt', {
        type: 'UnixTimestamp',
        description: 'The time of the measurement. Null when the source does not report it, such as a results file.',
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
        description:
          'All values of this step under their names in the REST API, such as `{"step": 1, "train_loss": 1.2}`.',
        resolve: (point) => point.data(),
      }),
    };
  },
});
