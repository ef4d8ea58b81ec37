import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { OBJECTS_PER_CHECK, TrainingFileReport } from './training-report.ts';

builder.queryField('checkTrainingFile', (t) =>
  t.field({
    type: TrainingFileReport,
    description:
      'What stands in a training file that was uploaded, of whatever purpose: all of it is read for that. Null when there is no such file, or its content is gone. It needs the role `operator`.',
    authScopes: { operator: true },
    args: { fileId: t.arg.id({ required: true, description: 'The id of the file, `file-…`.' }) },
    extensions: cost({ calls: 1, weight: () => OBJECTS_PER_CHECK }),
    resolve: async (_, { fileId }, { loaders }) => {
      const report = await loaders.trainingReport(fileId);
      return report && { ...report, isComplete: true };
    },
  }),
);
