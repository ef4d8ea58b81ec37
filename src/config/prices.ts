import { z } from 'zod';
import { readPrices } from './price-file.ts';
import { groupDocs, settingDocs } from './setting-docs.ts';

export const prices = z
  .object({
    PRICES_FILE: z.string().transform(readPrices).optional().register(settingDocs, {
      description:
        'Path of a JSON file with prices of training per million tokens, for `estimatedCost`. The page `operate.md` shows its form. Read at start.',
      example: 'prices.json',
      whenUnset: 'no prices',
    }),
  })
  .register(groupDocs, {
    title: 'Prices',
    intro: 'What training costs. The gateway has no prices of its own: they change, and differ by contract.',
  })
  .transform(({ PRICES_FILE: priceList = [] }) => ({ priceList }));
