// The theme: as the system has it, light, or dark. The server draws the kept one, so that nothing flashes.
import { keep } from "./cookies.js";
import { say } from "./words.js";

const ORDER = ["", "light", "dark"];
const root = document.documentElement;

function name(theme) {
  return say(`theme_${theme || "system"}`);
}

function show() {
  for (const button of document.querySelectorAll("[data-theme-switch] span")) button.textContent = name(root.dataset.theme);
}

/** Goes to the next theme and says which. */
export function nextTheme() {
  const theme = ORDER[(ORDER.indexOf(root.dataset.theme ?? "") + 1) % ORDER.length];
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  keep("breakwater_theme", theme || "system");
  show();
  document.getElementById("spoken").textContent = name(theme);
}

export function startTheme() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) nextTheme();
  });
  show();
}
