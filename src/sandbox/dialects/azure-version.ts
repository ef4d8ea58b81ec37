/**
 * Whether the api-version is older than 2025, as 2024-10-21 is: jobs have `hyperparameters` and no `method`, and the list
 * of files has no pages (docs/upstream.md: Azure).
 */
export const isOlderThan2025 = (query: URLSearchParams) => (query.get('api-version') ?? '') < '2025';
