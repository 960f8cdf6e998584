// Opens a conflict over the page that one is on: a link with data-modal keeps its address and is followed when this fails.
import { takeOver } from "./conflict.js";
import { keep, leave, root, unkept } from "./conflict-draft.js";
import { say } from "./words.js";

// Closing waits until everything is kept, and says so meanwhile; a second Escape closes at once, going on with the work stays.
function ask(event) {
  const dialog = event.currentTarget;
  if (event.target !== dialog || !unkept() || dialog.dataset.asked) return;
  event.preventDefault();
  dialog.dataset.asked = "yes";
  const sign = dialog.querySelector("#asks");
  if (sign) sign.textContent = say("escape_unkept");
  keep().then(() => {
    if (unkept() || !dialog.dataset.asked) return;
    dialog.close();
  });
}

function stay(event) {
  const dialog = document.querySelector("dialog.wide[open][data-asked]");
  if (!dialog || event.key === "Escape") return;
  delete dialog.dataset.asked;
  const sign = dialog.querySelector("#asks");
  if (sign) sign.textContent = "";
}

// The list may have been drawn anew meanwhile: then the link that leads to the same place is the opener.
function back(link) {
  const same = [...document.querySelectorAll("a[data-modal]")].find((one) => one.href === link.href);
  (link.isConnected ? link : same ?? document.getElementById("content"))?.focus();
}

async function open(link) {
  const answer = await fetch(link.href, { headers: { "HX-Request": "true", "HX-Target": "conflict" } });
  if (!answer.ok || !new URL(answer.url).pathname.startsWith("/conflicts/")) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "wide";
  dialog.setAttribute("aria-labelledby", "modal-title");
  dialog.innerHTML = await answer.text();
  dialog.addEventListener("cancel", ask);
  dialog.addEventListener("close", () => {
    if (dialog.contains(root())) leave();
    dialog.remove();
    back(link);
    document.querySelector("[data-stream]")?.dispatchEvent(new Event("catchup"));
  });
  document.body.append(dialog);
  dialog.showModal();
  takeOver();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-modal]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  open(link).catch(() => location.assign(link.href));
});
// At the window, since the keys of a conflict go no further than the document.
addEventListener("keydown", stay, true);
addEventListener("pointerdown", stay, true);
