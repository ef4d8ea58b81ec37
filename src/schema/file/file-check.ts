import { tokenizerOf } from '../../upstream/tokens/tokenizer.ts';
import type { TrainingFormat } from '../../upstream/training-data/example-rules.ts';
import { builder } from '../core/builder.ts';
import { badUserInput } from '../core/errors.ts';
import { cost } from '../core/field-cost.ts';
import { selectsAny } from '../core/selection.ts';
import { TOKEN_FIELDS, TrainingFileReport, VALIDATION_WEIGHT } from './training-report.ts';

const MAX_EPOCHS = 50;

/** The method that trains on a format. */
const METHODS: Readonly<Record<TrainingFormat, string>> = {
  chat: 'supervised',
  completion: 'supervised',
  preference: 'dpo',
  reinforcement: 'reinforcement',
};

builder.queryField('checkTrainingFile', (t) =>
  t.field({
    type: TrainingFileReport,
    description:
      'Validates the content of an uploaded file as training data, whatever its purpose. The gateway reads the whole file from the upstream, so a large file takes time. Null when the file does not exist or its content was deleted. Requires the role `operator`.',
    authScopes: { operator: true },
    args: {
      fileId: t.arg.id({ required: true, description: 'The id of the file, such as `file-abc123`.' }),
      modelId: t.arg.id({
        description:
          'The id of the model to train, such as `gpt-4.1-mini`. It decides the tokenizer of `estimatedTokens` and the price of `estimatedCost`. By default, and when null, no model.',
      }),
      nEpochs: t.arg.int({
        description: `Number of epochs for \`estimatedTrainingTokens\`, from 1 to ${MAX_EPOCHS}. By default, and when null, not known.`,
      }),
    },
    extensions: cost({ calls: 1, weight: () => VALIDATION_WEIGHT }),
    resolve: async (_, { fileId, modelId = null, nEpochs = null }, { loaders }, info) => {
      if (nEpochs !== null && (nEpochs < 1 || nEpochs > MAX_EPOCHS)) {
        throw badUserInput('nEpochs', `is ${nEpochs}; expected an integer from 1 to ${MAX_EPOCHS}, such as 3`);
      }
      const tokenizer = (modelId === null ? null : tokenizerOf(modelId)) ?? 'byFormat';
      const report = await loaders.trainingReport(fileId, selectsAny(info, TOKEN_FIELDS) ? tokenizer : null);
      if (report === null) return null;
      const method = report.format && METHODS[report.format];
      return { ...report, isComplete: true, plan: { modelId, method, nEpochs } };
    },
  }),
);
