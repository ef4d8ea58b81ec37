/** Thrown to answer a request with an error in OpenAI's envelope (UPSTREAM.md 2.7). */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    param: string | null = null,
    code: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
    this.headers = headers;
  }

  get body() {
    const { message, param, code } = this;
    return { error: { message, type: 'invalid_request_error', param, code } };
  }
}

export const missingKey = () =>
  new Refusal(401, 'You did not provide an API key. Send one in the header `Authorization: Bearer YOUR_KEY`.');

/** The real message repeats the key in part; this one says nothing of it. */
export const incorrectKey = () =>
  new Refusal(401, 'Incorrect API key provided: it is not the one that this sandbox expects.', null, 'invalid_api_key');

export const unknownUrl = (method: string, path: string) => new Refusal(404, `Invalid URL (${method} ${path})`);

export const methodNotAllowed = (method: string, path: string, allow: readonly string[]) =>
  new Refusal(405, `Not allowed to ${method} on ${path}.`, null, 'method_not_supported', { allow: allow.join(', ') });

/** `param` tells where the id came from: the path, or the cursor of a list. */
export const unknownJob = (id: string, param: 'fine_tune_id' | 'after' = 'fine_tune_id') =>
  new Refusal(404, `Could not find fine tune: ${id}`, param, 'fine_tune_not_found');

export const wrongType = (param: string, expected: string) =>
  new Refusal(
    400,
    `Invalid type for '${param}': expected ${expected}, but got a string instead.`,
    param,
    'invalid_type',
  );

export const belowMinimum = (param: string, minimum: number, value: string) =>
  new Refusal(
    400,
    `Invalid '${param}': integer below minimum value. Expected a value >= ${minimum}, but got ${value} instead.`,
    param,
    'integer_below_min_value',
  );

/** What a fault of the sandbox's own looks like. */
export const serverError = {
  status: 500,
  headers: {},
  body: {
    error: {
      message: 'The server had an error processing your request.',
      type: 'server_error',
      param: null,
      code: null,
    },
  },
};
