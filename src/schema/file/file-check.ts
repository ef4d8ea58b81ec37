import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { TrainingFileReport, VALIDATION_WEIGHT } from './training-report.ts';

builder.queryField('checkTrainingFile', (t) =>
  t.field({
    type: TrainingFileReport,
    description:
      'Validates the content of an uploaded file as training data, whatever its purpose. The gateway reads the whole file from the upstream, so a large file takes time. Null when the file does not exist or its content was deleted. Requires the role `operator`.',
    authScopes: { operator: true },
    args: { fileId: t.arg.id({ required: true, description: 'The id of the file, such as `file-abc123`.' }) },
    extensions: cost({ calls: 1, weight: () => VALIDATION_WEIGHT }),
    resolve: async (_, { fileId }, { loaders }) => {
      const report = await loaders.trainingReport(fileId);
      return report && { ...report, isComplete: true };
    },
  }),
);
