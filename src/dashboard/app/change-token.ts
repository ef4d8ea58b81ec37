import { changeToken } from '../data/token.ts';

/** Asks for another token. Loads the page again with it: all that the page shows was read with the former one. */
export async function enterAnotherToken(): Promise<void> {
  if (await changeToken()) location.reload();
}
