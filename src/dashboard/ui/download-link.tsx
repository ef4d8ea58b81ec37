import type { ComponentChildren } from 'preact';
import { fetchDownload, saveBlob } from '../data/download.ts';
import { readToken } from '../data/token.ts';
import { showToast } from './toast.tsx';

interface DownloadLinkProps {
  url: URL;
  filename: string;
  children: ComponentChildren;
  isPlain?: boolean;
}

/** A link that saves a download of the gateway. */
export function DownloadLink({ url, filename, children, isPlain = false }: DownloadLinkProps) {
  const download = async (event: Event) => {
    const token = readToken();
    if (token === null) return;
    event.preventDefault();
    try {
      saveBlob(await fetchDownload(url, token), filename);
    } catch (error) {
      showToast(`${filename} cannot be downloaded. ${error instanceof Error ? error.message : ''}`, 'error');
    }
  };
  return (
    <a class={isPlain ? undefined : 'button'} href={url.href} download={filename} onClick={download}>
      {children}
    </a>
  );
}
