/** Environment variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Values = Readonly<Record<string, unknown>>;

export const hasOpenaiKey = ({ OPENAI_API_KEY: key, OPENAI_API_KEY_FILE: file }: Values) =>
  key !== undefined || file !== undefined;

export const hasAzure = (values: Values) =>
  ['AZURE_OPENAI_API_KEY', 'AZURE_OPENAI_API_KEY_FILE', 'AZURE_OPENAI_ENDPOINT'].some(
    (name) => values[name] !== undefined,
  );

/**
 * `openai`, `azure` or `sandbox`; any other text when UPSTREAM is invalid. Without UPSTREAM, it is the sandbox unless some
 * variable shows that a real server is meant.
 */
export function upstreamKindOf(environment: Environment): string {
  const { UPSTREAM, OPENAI_BASE_URL, NODE_ENV, AUTH } = environment;
  if (UPSTREAM !== undefined) return UPSTREAM;
  if (hasAzure(environment)) return 'azure';
  const isReal =
    hasOpenaiKey(environment) || AUTH === 'passthrough' || OPENAI_BASE_URL !== undefined || NODE_ENV === 'production';
  return isReal ? 'openai' : 'sandbox';
}
