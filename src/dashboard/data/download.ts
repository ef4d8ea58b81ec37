import { after } from './clock.ts';
import { graphUrl } from './graphql-client.ts';

const REVOKE_MS = 60_000;

/** The URL of all points of a job's curve. */
export const metricsUrl = (jobId: string, form: 'csv' | 'json'): URL =>
  new URL(`fine_tuning_jobs/${encodeURIComponent(jobId)}/metrics.${form}`, graphUrl());

/** The URL of a file's content, from its `contentUrl`. */
export const contentUrl = (relative: string): URL => new URL(relative, graphUrl());

/** Fetches a download with a token, which a link cannot send. Rejects when the gateway refuses it. */
export async function fetchDownload(url: URL, token: string): Promise<Blob> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`The gateway answers with the status ${response.status}.`);
  return await response.blob();
}

/** Lets the browser save a blob as a file. */
export function saveBlob(blob: Blob, filename: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = filename;
  link.click();
  after(REVOKE_MS, () => URL.revokeObjectURL(link.href)); // The browser reads it while it saves the file.
}
