// Buttons that copy a text: <button data-copy="…">.
import { speak } from "./notices.js";
import { say } from "./words.js";

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    speak(say("copied"));
  });
}
