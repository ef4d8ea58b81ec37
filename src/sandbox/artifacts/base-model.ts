/** A model of OpenAI. `created` in seconds since the epoch. */
export interface BaseModel {
  readonly id: string;
  readonly created: number;
  readonly owned_by: 'openai' | 'openai-internal' | 'system';
  /** Absent until it is announced. */
  readonly shutdown_date?: string;
}

const model = (id: string, created: number, shutdown_date?: string): BaseModel => ({
  id,
  created,
  owned_by: 'system',
  ...(shutdown_date !== undefined && { shutdown_date }),
});

/**
 * The base models of the sandbox jobs, and some others. gpt-3.5-turbo-0125 is missing: base models are retired, but old
 * jobs still name them.
 */
export const BASE_MODELS: readonly BaseModel[] = [
  model('gpt-4.1-2025-04-14', 1744315746),
  model('gpt-4.1', 1744316542),
  model('gpt-4.1-mini-2025-04-14', 1744317547),
  model('gpt-4.1-mini', 1744318173),
  model('gpt-4.1-nano-2025-04-14', 1744321025, '2026-10-23'),
  model('o4-mini-2025-04-16', 1744133506, '2027-04-16'),
  model('gpt-4o-2024-08-06', 1722814719),
  model('gpt-4o-mini-2024-07-18', 1721172717),
  model('gpt-4.5-preview-2025-02-27', 1740623304, '2025-07-14'),
  model('babbage-002', 1692634615, '2026-09-28'),
  { ...model('gpt-4-0613', 1686588896), owned_by: 'openai' },
  model('text-embedding-3-small', 1705948997),
  { ...model('whisper-1', 1677532384), owned_by: 'openai-internal' },
];
