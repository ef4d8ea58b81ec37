/**
 * A script for the GraphiQL page, before its own scripts. On a 401 response it asks once for a token, for all tabs.
 * The browser stores it until its tab is closed. A header of GraphiQL's editor takes precedence.
 */
export const TOKEN_DIALOG = `<style>
  #token-dialog { border: 1px solid #d60690; border-radius: 8px; padding: 24px; width: 380px; font: 15px system-ui, sans-serif; }
  #token-dialog::backdrop { background: #0008; }
  #token-dialog input { box-sizing: border-box; width: 100%; margin: 12px 0; padding: 8px; font: inherit; }
  #token-dialog button { padding: 8px 16px; font: inherit; }
</style>
<script>
{
  const STORAGE_KEY = 'finetune-gateway-token';
  const originalFetch = globalThis.fetch;
  let pendingDialog;
  let isDeclined = false; // Until the page is reloaded; GraphiQL retries its introspection.

  // Resolves to whether a token was entered.
  function askForToken(wasRejected) {
    const dialog = document.createElement('dialog');
    dialog.id = 'token-dialog';
    dialog.innerHTML = \`<form method="dialog">
      <label>\${wasRejected ? 'This token is unknown or revoked. Enter another one:' : 'This gateway requires a token:'}
        <input type="password" autocomplete="off" required autofocus pattern="[!-~]+" title="the token alone, without Bearer">
      </label>
      <button value="entered">Continue</button> <button value="" formnovalidate>Skip</button>
    </form>\`;
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener('close', () => {
        const isEntered = dialog.returnValue === 'entered';
        if (isEntered) sessionStorage.setItem(STORAGE_KEY, dialog.querySelector('input').value);
        dialog.remove();
        resolve(isEntered);
      });
    });
  }

  globalThis.fetch = async (url, init = {}) => {
    for (;;) {
      const headers = new Headers(init.headers);
      const token = headers.has('authorization') ? null : sessionStorage.getItem(STORAGE_KEY);
      if (token) headers.set('authorization', 'Bearer ' + token);
      const response = await originalFetch(url, { ...init, headers });
      if (response.status !== 401 || isDeclined || (!token && headers.has('authorization'))) return response;
      if (sessionStorage.getItem(STORAGE_KEY) !== token) continue; // Another request has stored a token meanwhile.
      pendingDialog ??= askForToken(token !== null).finally(() => { pendingDialog = undefined; });
      isDeclined = !(await pendingDialog);
      if (isDeclined) return response;
    }
  };
}
</script>`;
