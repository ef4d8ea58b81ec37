import { z } from 'zod';
import { readPrices } from './price-file.ts';
import { groupDocs, settingDocs } from './setting-docs.ts';

export const prices = z
  .object({
    PRICES_FILE: z.string().transform(readPrices).optional().register(settingDocs, {
      description:
        'Path of a JSON file of prices of training, for `estimatedCost`: `{"prices": [{"model": "gpt-4.1-mini*", "method": "supervised", "amount": 5, "unit": "1M training tokens", "currency": "USD", "asOf": "2026-10-23", "source": "https://example.com/prices"}]}`. In `model`, `*` stands for any characters; the first entry that matches applies. `method` is `supervised` or `dpo`. Read at start, at most 1 MiB.',
      example: 'prices.json',
      whenUnset: 'no prices: `estimatedCost` is null',
    }),
  })
  .register(groupDocs, {
    title: 'Prices',
    intro: 'What training costs. The gateway has no prices of its own: they change, and differ by contract.',
  })
  .transform(({ PRICES_FILE: priceList = [] }) => ({ priceList }));
