/** A path of a download. */
export interface DownloadRoute {
  readonly kind: 'content' | 'metrics.csv' | 'metrics.json';
  /** The path with ID in place of the id, for logs and messages. */
  readonly template: string;
  /** The id, decoded. It can be any text. Null when it is not valid percent-encoding of UTF-8. */
  readonly id: string | null;
}

const PATTERN = /^\/(?:files\/([^/]+)\/(content)|fine_tuning_jobs\/([^/]+)\/(metrics\.(?:csv|json)))$/;

/** Returns the download at a path; null for any other path. */
export function findDownload(path: string): DownloadRoute | null {
  const [, fileId, content, jobId = '', kind] = PATTERN.exec(path) ?? [];
  if (fileId !== undefined && content === 'content') {
    return { kind: 'content', template: '/files/ID/content', id: decode(fileId) };
  }
  if (kind !== 'metrics.csv' && kind !== 'metrics.json') return null;
  return { kind, template: `/fine_tuning_jobs/ID/${kind}`, id: decode(jobId) };
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
