/**
 * For GraphiQL's page, ahead of its own scripts: when the server wants to know who asks (401), the person is asked for a
 * token once, for all tabs. The browser keeps it until its tab is closed. A header from GraphiQL's editor goes before it.
 */
export const TOKEN_DIALOG = `<style>
  #token-dialog { border: 1px solid #d60690; border-radius: 8px; padding: 24px; width: 380px; font: 15px system-ui, sans-serif; }
  #token-dialog::backdrop { background: #0008; }
  #token-dialog input { box-sizing: border-box; width: 100%; margin: 12px 0; padding: 8px; font: inherit; }
  #token-dialog button { padding: 8px 16px; font: inherit; }
</style>
<script>
{
  const KEPT_AS = 'finetune-gateway-token';
  const send = globalThis.fetch;
  let asking;
  let isDeclined = false; // Until the page is loaded again; GraphiQL tries more than once.

  // Resolves with whether one was given.
  function askForToken(wasRefused) {
    const dialog = document.createElement('dialog');
    dialog.id = 'token-dialog';
    dialog.innerHTML = \`<form method="dialog">
      <label>\${wasRefused ? 'This token is not accepted. Another one:' : 'This gateway asks for a token:'}
        <input type="password" autocomplete="off" required autofocus pattern="[!-~]+" title="the token alone">
      </label>
      <button value="given">Go on</button> <button value="" formnovalidate>Without</button>
    </form>\`;
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener('close', () => {
        const isGiven = dialog.returnValue === 'given';
        if (isGiven) sessionStorage.setItem(KEPT_AS, dialog.querySelector('input').value);
        dialog.remove();
        resolve(isGiven);
      });
    });
  }

  globalThis.fetch = async (url, init = {}) => {
    for (;;) {
      const headers = new Headers(init.headers);
      const token = headers.has('authorization') ? null : sessionStorage.getItem(KEPT_AS);
      if (token) headers.set('authorization', 'Bearer ' + token);
      const response = await send(url, { ...init, headers });
      if (response.status !== 401 || isDeclined || (!token && headers.has('authorization'))) return response;
      if (sessionStorage.getItem(KEPT_AS) !== token) continue; // Another request has brought one meanwhile.
      asking ??= askForToken(token !== null).finally(() => { asking = undefined; });
      isDeclined = !(await asking);
      if (isDeclined) return response;
    }
  };
}
</script>`;
