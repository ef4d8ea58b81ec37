/** Reads a setting of this browser; null when it is not set, or when the browser stores nothing. */
export function readSetting(name: string): string | null {
  try {
    return localStorage.getItem(`finetune-gateway-${name}`);
  } catch {
    return null;
  }
}

/** Stores a setting in this browser, if it stores any. */
export function writeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(`finetune-gateway-${name}`, value);
  } catch {
    // It holds until the page is closed.
  }
}
