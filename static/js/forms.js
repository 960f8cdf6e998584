// A form that is being sent: its button keeps its width, says so, and is not pressed twice. Empty filters stay out of the
// address. An error summary takes focus.
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
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") return;
    for (const [name, value] of [...event.detail.formData]) if (value === "") event.detail.formData.delete(name);
  });
  document.querySelector("[data-takes-focus]")?.focus();
}
