/** The dialog that asks for an access token. */

import { byId, write } from "./dom.js";

const FIRST = "Whoever runs this server has it. It is kept until this tab is closed.";
const REFUSED = "That token was not accepted. Check it with whoever runs this server.";

/** Asks for a token; null when the user would rather not. */
export function promptForToken(refused) {
  const dialog = byId("token-dialog");
  const input = byId("token");
  write(byId("token-hint"), refused ? REFUSED : FIRST);
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    byId("token-form").onsubmit = (event) => {
      event.preventDefault();
      dialog.close(input.value.trim());
    };
    byId("token-cancel").onclick = () => dialog.close();
    dialog.onclose = () => {
      input.value = "";
      resolve(dialog.returnValue || null);
    };
  });
}
