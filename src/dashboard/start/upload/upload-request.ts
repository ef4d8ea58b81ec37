import { type Answer, answerOf, graphUrl } from '../../data/graphql-client.ts';
import { ownError } from '../../data/request-error.ts';
import { readToken, replaceToken } from '../../data/token.ts';
import { UploadTrainingFile, type UploadTrainingFileMutation } from '../../operations/generated.ts';

export type UploadResult = UploadTrainingFileMutation['uploadFile'];

type UploadAnswer = Answer<UploadTrainingFileMutation>;

interface UploadOptions {
  readonly signal: AbortSignal;
  /** Called with the sent fraction, from 0 to 1. */
  readonly onProgress: (fraction: number) => void;
}

/**
 * Uploads a training file by the GraphQL multipart request specification. The gateway checks it while it arrives. An
 * XMLHttpRequest, because `fetch` does not report the progress of a request.
 */
export async function uploadFile(file: File, options: UploadOptions): Promise<UploadAnswer> {
  for (;;) {
    const token = readToken();
    const { status, answer } = await send(file, token, options);
    if (status !== 401 || answer.ok) return answer;
    const reason = token === null ? 'missing' : 'invalid';
    if (!(await replaceToken(token, reason, token === null ? '' : answer.error.message))) return answer;
  }
}

function send(
  file: File,
  token: string | null,
  { signal, onProgress }: UploadOptions,
): Promise<{ status: number; answer: UploadAnswer }> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const fail = (code: string, message: string) =>
      resolve({ status: request.status, answer: { ok: false, error: ownError(code, message) } });
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onload = () => {
      const answer = readAnswer(request.responseText);
      if (answer === null) fail('NETWORK', `The response has the status ${request.status}, and is no JSON.`);
      else resolve({ status: request.status, answer });
    };
    request.onerror = () => fail('NETWORK', 'The connection to the gateway ended during the upload. Upload it again.');
    request.onabort = () => fail('ABORTED', 'The upload was canceled. Nothing is stored.');
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.open('POST', graphUrl());
    request.setRequestHeader('accept', 'application/graphql-response+json');
    request.setRequestHeader('GraphQL-Require-Preflight', '1'); // Proves that no foreign page sends it.
    if (token !== null) request.setRequestHeader('authorization', `Bearer ${token}`);
    request.send(formOf(file));
  });
}

function formOf(file: File): FormData {
  const { name, text } = UploadTrainingFile;
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: text, operationName: name, variables: { file: null } }));
  form.set('map', '{"0":["variables.file"]}');
  form.set('0', file);
  return form;
}

function readAnswer(text: string): UploadAnswer | null {
  try {
    return answerOf(JSON.parse(text) as Parameters<typeof answerOf<UploadTrainingFileMutation>>[0]); // As the schema says.
  } catch {
    return null;
  }
}
