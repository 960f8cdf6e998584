// Opens a conflict over the page that one is on: a link with data-modal keeps its address and is followed when this fails.
import { changedHere, keep, takeOver } from "./conflict.js";
import { say } from "./words.js";

function ask(event) {
  const dialog = event.currentTarget;
  if (event.target !== dialog || !changedHere() || dialog.dataset.asked) return;
  event.preventDefault();
  dialog.dataset.asked = "yes";
  keep();
  dialog.querySelector("#tally").textContent = say("escape_kept");
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
    dialog.remove();
    link.focus();
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

