import { includes } from '../../request/viewer.ts';
import type { Metric } from '../../upstream/metrics/metrics.ts';
import { builder } from '../core/builder.ts';

/** The metrics of one step, from an event, a results file or a checkpoint. */
export interface MetricsPoint {
  readonly step: number;
  /** Seconds since 1970; null when the source does not report it. */
  readonly createdAt: number | null;
  /** Null when the metric was not measured at this step. */
  value(metric: Metric): number | null;
  /** With `hasTexts`, also the cells of a results file that are no numbers. */
  data(hasTexts: boolean): unknown;
}

const DESCRIPTIONS = {
  trainLoss: 'Loss on the batch of training examples of this step, such as 1.25. Lower is better.',
  trainMeanTokenAccuracy: 'Share of the tokens of the training batch that the model predicts correctly, from 0 to 1.',
  validLoss: 'Loss on a batch of examples of the validation file, such as 1.25. Lower is better.',
  validMeanTokenAccuracy:
    'Share of the tokens of a batch of the validation file that the model predicts correctly, from 0 to 1.',
  fullValidLoss: 'Loss on the whole validation file, such as 1.25. Usually measured at the end of an epoch.',
  fullValidMeanTokenAccuracy:
    'Share of the tokens of the whole validation file that the model predicts correctly, from 0 to 1. Usually measured at the end of an epoch.',
  trainMeanReward:
    'Mean score that the grader gives to outputs for the training batch. Higher is better. Reinforcement fine-tuning only.',
  validMeanReward:
    'Mean score that the grader gives to outputs for a part of the validation file. Higher is better. Reinforcement fine-tuning only.',
  fullValidMeanReward:
    'Mean score that the grader gives to outputs for the whole validation file. Higher is better. Reinforcement fine-tuning only.',
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
      step: t.exposeInt('step', {
        nullable: false,
        description: 'The training step, such as 120. The first step is 1.',
      }),
      createdAt: t.expose('createdAt', {
        type: 'UnixTimestamp',
        description:
          'The time of the event or checkpoint with these metrics. Null for metrics from a results file, which has no times.',
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
          'All values of this step under their names in the REST API, such as `{"step": 1, "train_loss": 1.2}`. They can include values that this type has no field for. From a results file, a caller with the role `viewer` gets the numbers only: texts are contents of a file, as in `File.preview`. Never null.',
        resolve: (point, _args, { viewer }) => point.data(includes(viewer.role, 'operator')),
      }),
    };
  },
});
