import type { GraphqlResponse } from '../gateway/gateway.ts';

/** A mutation that selects all outcomes of an upload. */
export const UPLOAD = `mutation ($input: UploadFileInput!) { uploadFile(input: $input) {
  __typename
  ... on UploadFileSuccess { file { id filename bytes purpose expiresAt } report { ...Report } }
  ... on Error { message code }
  ... on InvalidTrainingFileError { invalid: report { ...Report } }
  ... on InvalidInputError { issues { path message } }
  ... on UpstreamError { upstreamStatus retryAfterSeconds isRetryable }
} }
fragment Report on TrainingFileReport {
  format exampleCount characterCount longestExample duplicateCount issueCount errorCount isComplete
  issues { line severity message }
}`;

/** Different lines of training data. */
export const trainingLines = (count: number, content = 'a') =>
  Array.from({ length: count }, (_, index) => {
    const messages = [
      { role: 'user', content: `question ${index}` },
      { role: 'assistant', content },
    ];
    return `${JSON.stringify({ messages })}\n`;
  }).join('');

/** One part of a form. */
export interface FormPart {
  readonly name: string;
  readonly filename?: string;
  readonly content: string | Uint8Array;
  /** Replaces the headers of the part. */
  readonly headers?: string;
}

export const BOUNDARY = 'test-boundary';

/** The bytes of a form without its closing boundary. */
export function unclosedForm(...parts: readonly FormPart[]): Buffer {
  return Buffer.concat(
    parts.map(({ name, filename, content, headers }, index) => {
      const file = filename === undefined ? '' : `; filename="${filename}"`;
      const defaultHeaders = `Content-Disposition: form-data; name="${name}"${file}\r\n`;
      const head = `${index === 0 ? '' : '\r\n'}--${BOUNDARY}\r\n${headers ?? defaultHeaders}\r\n`;
      return Buffer.concat([Buffer.from(head), Buffer.from(content)]);
    }),
  );
}

export const FORM_END = `\r\n--${BOUNDARY}--\r\n`;

export const formOf = (...parts: readonly FormPart[]) => Buffer.concat([unclosedForm(...parts), Buffer.from(FORM_END)]);

/** The parts before the file. */
export function partsOf(input: object = {}, query = UPLOAD): [operations: FormPart, map: FormPart] {
  const variables = { input: { ...input, file: null } };
  return [
    { name: 'operations', content: JSON.stringify({ query, variables }) },
    { name: 'map', content: '{"0":["variables.input.file"]}' },
  ];
}

export const filePart = (content: string | Uint8Array, filename = 'train.jsonl'): FormPart => ({
  name: '0',
  filename,
  content,
});

export const headersOf = () => ({
  'graphql-require-preflight': '1',
  'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
});

/** The head of a request with a form of this length, or with chunks when it is null. */
export function headOf(length: number | null, headers = ''): string {
  const size = length === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  return `POST /graphql HTTP/1.1\r\nHost: localhost\r\nGraphQL-Require-Preflight: 1\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n${headers}${size}\r\n\r\n`;
}

/** One chunk of a chunked body. */
export function chunkOf(bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]);
}

/** Uploads with FormData, as a browser does. `outcome` is the value of the mutation. */
export async function upload(
  url: string,
  content: BlobPart,
  { filename = 'train.jsonl', input = {}, headers = {}, query = UPLOAD }: UploadOptions = {},
): Promise<{ status: number; body: GraphqlResponse; outcome: Record<string, unknown> | undefined }> {
  const form = new FormData();
  for (const { name, content } of partsOf(input, query)) form.append(name, String(content));
  form.append('0', new Blob([content]), filename);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'graphql-require-preflight': '1', ...headers },
    body: form,
  });
  const body = (await response.json()) as GraphqlResponse; // The format of every GraphQL response.
  const outcome = body.data?.['uploadFile'] as Record<string, unknown> | undefined; // An object type of the schema.
  return { status: response.status, body, outcome };
}

interface UploadOptions {
  query?: string;
  filename?: string;
  input?: object;
  headers?: Record<string, string>;
}
