// Dialogs: opened by data-opens, closed by data-closes; focus starts in the first field and returns to the opener.
// One that holds something typed closes on the second Escape only.
import { say } from "./words.js";

/** Opens the dialog with this id; `prepare` may fill it first. */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return null;
  dialog.showModal();
  dialog.querySelector("textarea, input:not([type=hidden]), select")?.focus();
  return dialog;
}

function typed(dialog) {
  return [...dialog.querySelectorAll("textarea, input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);
}

export function startDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    // A link whose dialog is not on the page (what it is about came live) is followed.
    if (opener && document.getElementById(opener.dataset.opens)) {
      event.preventDefault();
      openDialog(opener.dataset.opens);
    }
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog").close();
  });
  document.addEventListener(
    "cancel",
    (event) => {
      const dialog = event.target;
      if (!(dialog instanceof HTMLDialogElement) || !("asks" in dialog.dataset)) return;
      if (!typed(dialog) || dialog.dataset.asked) return delete dialog.dataset.asked;
      event.preventDefault();
      dialog.dataset.asked = "yes";
      const foot = dialog.querySelector(".dialog-foot");
      let warning = foot.querySelector("small");
      if (!warning) {
        warning = document.createElement("small");
        warning.setAttribute("role", "status");
        foot.prepend(warning);
      }
      warning.textContent = say("escape_again");
    },
    true,
  );
}
