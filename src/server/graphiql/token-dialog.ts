/**
 * A script for the GraphiQL page, before its own scripts. On a 401 response it asks once for a token or JWT, for all
 * tabs; also on a 403 of a token that it has stored, which has no role.
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
  const REASONS = {
    missing: 'This gateway requires a token:',
    invalid: 'This token is unknown, revoked or expired. Enter another one:',
    forbidden: 'This token has no role in this gateway. Enter another one:',
  };
  let pendingDialog;
  let isDeclined = false; // Until the page is reloaded; GraphiQL retries its introspection.

  // The reason of the gateway, such as that a token is too long; none from a proxy.
  const messageOf = (response) => response.clone().json().then(({ errors: [{ message }] }) => message).catch(() => '');

  // Resolves to whether a token was entered.
  function askForToken(reason, message) {
    const dialog = document.createElement('dialog');
    dialog.id = 'token-dialog';
    dialog.innerHTML = \`<form method="dialog">
      <label>\${REASONS[reason]}
        <input type="password" autocomplete="off" required autofocus pattern="[!-~]+" title="the token alone, without Bearer">
      </label>
      <p></p>
      <button value="entered">Continue</button> <button value="" formnovalidate>Skip</button>
    </form>\`;
    dialog.querySelector('p').textContent = message;
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
      const isRejected = response.status === 401 || (token && response.status === 403);
      if (!isRejected || isDeclined || (!token && headers.has('authorization'))) return response;
      if (sessionStorage.getItem(STORAGE_KEY) !== token) continue; // Another request has stored a token meanwhile.
      const reason = response.status === 403 ? 'forbidden' : token ? 'invalid' : 'missing';
      const message = token ? await messageOf(response) : '';
      pendingDialog ??= askForToken(reason, message).finally(() => { pendingDialog = undefined; });
      isDeclined = !(await pendingDialog);
      if (isDeclined) return response;
    }
  };
}
</script>`;
