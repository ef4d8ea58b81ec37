import { type Signal, signal } from '@preact/signals';
import { ownError, type RequestError } from '../../data/request-error.ts';
import type { FileReportFragment, StartFileFragment } from '../../operations/generated.ts';
import { checkFile, type FileCheck, type TrainingMethod } from './file-check.ts';
import { type UploadResult, uploadFile } from './upload-request.ts';

export type UploadPhase =
  | { readonly kind: 'none' }
  /** `fraction` is what was sent, from 0 to 1. */
  | { readonly kind: 'uploading'; readonly fraction: number }
  | { readonly kind: 'stored'; readonly fileId: string; readonly report: FileReportFragment | null }
  /** By the check in the browser, whose report is in `check`; or by the gateway, whose report is here. */
  | { readonly kind: 'refused'; readonly report: FileReportFragment | null }
  | { readonly kind: 'failed'; readonly error: RequestError };

export interface UploadState {
  readonly name: string;
  readonly phase: UploadPhase;
  /** The check in the browser; null before its first result. */
  readonly check: FileCheck | null;
}

/** One upload at a time: another file replaces the present one. */
export interface Uploader {
  readonly state: Signal<UploadState>;
  /** Checks a file in the browser and uploads it meanwhile. An error ends the upload. Does not reject. */
  readonly upload: (file: File, method: TrainingMethod) => Promise<void>;
  /** Checks the present file for another method. Uploads it when the check has refused it before. */
  readonly checkAgain: (method: TrainingMethod) => Promise<void>;
  readonly cancel: () => void;
}

/** Bytes that are checked before the upload starts: an error in a small file never reaches the gateway. */
const CHECKED_FIRST = 8 * 1024 * 1024;

const NOTHING: UploadState = { name: '', phase: { kind: 'none' }, check: null };

/** `onStored` is called with each stored file. */
export function createUploader(onStored: (file: StartFileFragment) => void): Uploader {
  const state = signal(NOTHING);
  let present: File | null = null;
  let sending = new AbortController();
  let checking = new AbortController();
  let firstPart = Promise.resolve();

  const set = (changes: Partial<UploadState>) => {
    state.value = { ...state.value, ...changes };
  };
  const phaseKind = () => state.value.phase.kind;

  /** Resolves when the first bytes are checked, or all of them; also when another check replaces this one. */
  function check(file: File, method: TrainingMethod): Promise<void> {
    checking.abort();
    checking = new AbortController();
    const { signal: replaced } = checking;
    return new Promise((resolve) => {
      const onProgress = (result: FileCheck) => {
        set({ check: result });
        if (result.report.errorCount > 0 && phaseKind() === 'uploading') refuse();
        if (result.bytes >= CHECKED_FIRST) resolve();
      };
      void checkFile(file, method, { signal: replaced, onProgress }).then(() => resolve());
    });
  }

  function refuse() {
    set({ phase: { kind: 'refused', report: null } });
    sending.abort();
  }

  async function send(file: File, controller: AbortController) {
    const answer = await uploadFile(file, {
      signal: controller.signal,
      onProgress: (fraction) => {
        if (controller === sending && phaseKind() === 'uploading') set({ phase: { kind: 'uploading', fraction } });
      },
    });
    if (controller !== sending || phaseKind() !== 'uploading') return; // Refused, canceled, or another file was chosen.
    if (!answer.ok) return set({ phase: { kind: 'failed', error: answer.error } });
    const result = answer.data.uploadFile;
    set({ phase: phaseOf(result) });
    if (result.__typename === 'UploadFileSuccess') onStored(result.file);
  }

  async function upload(file: File, method: TrainingMethod) {
    sending.abort();
    const controller = new AbortController();
    sending = controller;
    present = file;
    state.value = { name: file.name, phase: { kind: 'uploading', fraction: 0 }, check: null };
    firstPart = check(file, method);
    for (let awaited: unknown = null; awaited !== firstPart; ) {
      awaited = firstPart; // Another one when the method was changed meanwhile.
      await awaited;
    }
    if (!controller.signal.aborted) await send(file, controller);
  }

  async function checkAgain(method: TrainingMethod) {
    if (present === null) return;
    const { phase } = state.value;
    const isRefusedHere = phase.kind === 'refused' && phase.report === null;
    if (isRefusedHere) return upload(present, method);
    if (phase.kind !== 'uploading' && phase.kind !== 'stored') return;
    set({ check: null });
    firstPart = check(present, method);
    await firstPart;
  }

  const cancel = () => {
    checking.abort();
    sending.abort();
    if (phaseKind() === 'uploading') set({ phase: { kind: 'failed', error: CANCELED }, check: null });
  };
  return { state, upload, checkAgain, cancel };
}

const CANCELED = ownError('ABORTED', 'The upload was canceled. Nothing is stored.');

function phaseOf(result: UploadResult): UploadPhase {
  switch (result.__typename) {
    case 'UploadFileSuccess':
      return { kind: 'stored', fileId: result.file.id, report: result.report };
    case 'InvalidTrainingFileError':
      return { kind: 'refused', report: result.refusal };
    default:
      return { kind: 'failed', error: ownError(result.code, result.message) };
  }
}
