// A form that is being sent: its button keeps its width, says so, and is not pressed twice. An error summary takes focus.
export function startForms() {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented || button.formMethod === "get") return;
    if (button.getAttribute("aria-busy") === "true") return event.preventDefault();
    if (!button.dataset.sending) return;
    // The pressed button's own name and value must still be sent, so it changes after the form was read.
    queueMicrotask(() => {
      button.style.minWidth = `${button.offsetWidth}px`;
      button.setAttribute("aria-busy", "true");
      button.textContent = button.dataset.sending;
    });
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submits]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });
  document.querySelector("[data-takes-focus]")?.focus();
}
