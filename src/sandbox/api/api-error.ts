/** Thrown to answer a request with an error in OpenAI's envelope (docs/upstream.md: Errors). */
export class ApiError extends Error {
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

  get body(): object {
    const { message, param, code } = this;
    return { error: { message, type: this.status < 500 ? 'invalid_request_error' : 'server_error', param, code } };
  }
}

/** The Files endpoints say what is wrong a second time beside the envelope. */
export class FileApiError extends ApiError {
  override get body(): object {
    const { message, code } = this;
    return { ...super.body, detail: { message, code } };
  }
}

export const missingKey = () =>
  new ApiError(401, 'You did not provide an API key. Send one in the header `Authorization: Bearer YOUR_KEY`.');

/** The real message repeats the key in part; this one says nothing of it. */
export const incorrectKey = () =>
  new ApiError(
    401,
    'Incorrect API key provided: it is not the one that this sandbox expects.',
    null,
    'invalid_api_key',
  );

/** A good key, but no admin key where one is wanted; how the real one words it was not recorded. */
export const noPermission = () =>
  new ApiError(403, 'You have insufficient permissions for this operation. It needs an admin API key.');

export const unknownUrl = (method: string, path: string) => new ApiError(404, `Invalid URL (${method} ${path})`);

export const methodNotAllowed = (method: string, path: string, allow: readonly string[]) =>
  new ApiError(405, `Not allowed to ${method} on ${path}.`, null, 'method_not_supported', { allow: allow.join(', ') });

/** `param` tells where the id came from: the path, or the cursor of a list. */
export const unknownJob = (id: string, param: 'fine_tune_id' | 'after' = 'fine_tune_id') =>
  new ApiError(404, `Could not find fine tune: ${id}`, param, 'fine_tune_not_found');

// Only as cursors can these two be unknown; the real answer is not known, and this one is made like that of jobs.
export const unknownEvent = (id: string) =>
  new ApiError(404, `Could not find event: ${id}`, 'after', 'fine_tune_event_not_found');

export const unknownCheckpoint = (id: string) =>
  new ApiError(404, `Could not find checkpoint: ${id}`, 'after', 'fine_tune_checkpoint_not_found');

export const unknownFile = (id: string, param: 'id' | 'after' = 'id') =>
  new FileApiError(404, `No such File object: ${id}`, param);

/** The Files endpoints name a bad parameter at the end of the sentence. */
export const badFileParameter = (param: string, fault: string) => new FileApiError(400, `${fault} - '${param}'`, param);

export const unknownModel = (id: string) =>
  new ApiError(404, `The model '${id}' does not exist`, 'model', 'model_not_found');

/** Something that is asked of a job in a status in which it cannot be: the real answer is not known. */
export const wrongStatus = (id: string, deed: string, status: string) =>
  new ApiError(400, `Job ${id} cannot be ${deed}: it is ${status}.`, 'fine_tune_id', 'invalid_fine_tune_status');

/** What a fault of the sandbox's own looks like. */
export const serverError = () => new ApiError(500, 'The server had an error processing your request.');
