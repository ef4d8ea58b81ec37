/** An error response: a handler throws it, and its `body` is OpenAI's error envelope (docs/upstream.md: Errors). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
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

  get body(): object {
    const { message, param, code } = this;
    return { error: { message, type: this.status < 500 ? 'invalid_request_error' : 'server_error', param, code } };
  }
}

/** An error of the Files endpoints, which repeat the message beside the envelope. */
export class FileApiError extends ApiError {
  override get body(): object {
    const { message, code } = this;
    return { ...super.body, detail: { message, code } };
  }
}

export const missingKey = () =>
  new ApiError(401, 'You did not provide an API key. Send one in the header `Authorization: Bearer YOUR_KEY`.');

/** The real message contains parts of the key; this one does not. */
export const incorrectKey = () =>
  new ApiError(
    401,
    'Incorrect API key provided: it is not the one that this sandbox expects.',
    null,
    'invalid_api_key',
  );

/** For a valid key that is not an admin key. The text is not recorded. */
export const insufficientPermissions = () =>
  new ApiError(403, 'You have insufficient permissions for this operation. It needs an admin API key.');

export const unknownUrl = (method: string, path: string) => new ApiError(404, `Invalid URL (${method} ${path})`);

export const methodNotAllowed = (method: string, path: string, allow: readonly string[]) =>
  new ApiError(405, `Not allowed to ${method} on ${path}.`, null, 'method_not_supported', { allow: allow.join(', ') });

/** `param` is the source of the id: the path, or the cursor of a list. */
export const unknownJob = (id: string, param: 'fine_tune_id' | 'after' = 'fine_tune_id') =>
  new ApiError(404, `Could not find fine tune: ${id}`, param, 'fine_tune_not_found');

// Unknown cursors. The response is not recorded; it follows the one for jobs.
export const unknownEvent = (id: string) =>
  new ApiError(404, `Could not find event: ${id}`, 'after', 'fine_tune_event_not_found');

export const unknownCheckpoint = (id: string) =>
  new ApiError(404, `Could not find checkpoint: ${id}`, 'after', 'fine_tune_checkpoint_not_found');

export const unknownFile = (id: string, param: 'id' | 'after' = 'id') =>
  new FileApiError(404, `No such File object: ${id}`, param);

/** The Files endpoints put the name of an invalid parameter at the end of the message. */
export const invalidFileParameter = (param: string, reason: string) =>
  new FileApiError(400, `${reason} - '${param}'`, param);

export const invalidFileChoice = (param: string, value: string, choices: readonly string[]) =>
  invalidFileParameter(param, `'${value}' is not one of [${choices.map((choice) => `'${choice}'`).join(', ')}]`);

export const unknownModel = (id: string) =>
  new ApiError(404, `The model '${id}' does not exist`, 'model', 'model_not_found');

/** For an action that the status of the job forbids. Thrown by every dialect; Azure has a code for it. */
export class JobStatusError extends ApiError {
  /** `action` is a verb, such as "pause". The sentence for "cancel" is recorded (docs/upstream.md: Errors). */
  constructor(id: string, action: string, status: string) {
    super(400, `Cannot ${action} a job ${id} that already has status "${status}".`);
  }
}

/** For an internal error of the sandbox. */
export const serverError = () => new ApiError(500, 'The server had an error processing your request.');
