// The keyboard. Off while typing and in dialogs; each key has a visible control; `?` lists them.
import { openDialog } from "./dialog.js";
import { togglePause } from "./live.js";
import { pick, pickAll, showSelection } from "./selection.js";
import { nextTheme } from "./theme.js";

const PATIENCE = 1500;
let going = 0;

const rows = () => [...document.querySelectorAll("[data-row]")];
const cursor = () => document.querySelector("[data-row][data-cursor]");

function typing(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}

function go(letter) {
  const block = document.getElementById("go-keys");
  const address = block ? JSON.parse(block.textContent)[letter] : "";
  if (address) location.assign(address);
}

function move(step) {
  const all = rows();
  if (!all.length) return document.querySelector(step > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
  const at = all.indexOf(cursor());
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
  cursor()?.removeAttribute("data-cursor");
  next.setAttribute("data-cursor", "");
  next.querySelector("a").focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function actions() {
  const own = cursor()?.querySelector("[data-acts]");
  if (own) return own.click();
  const box = cursor()?.querySelector(".pick");
  if (box && !box.checked) pick(box);
  showSelection();
  document.querySelector("[data-selection] button:not([data-pick-none])")?.focus();
}

function retry() {
  const box = cursor()?.querySelector(".pick");
  if (box && !document.querySelector(".pick:checked")) pick(box);
  const bar = document.querySelector("[data-selection]");
  (bar && !bar.hidden ? bar : document).querySelector("[data-key-retry]")?.click();
}

const KEYS = {
  "/": () => document.getElementById("search")?.focus(),
  j: () => move(1),
  k: () => move(-1),
  x: () => cursor()?.querySelector(".pick") && pick(cursor().querySelector(".pick")),
  X: () => cursor()?.querySelector(".pick") && pick(cursor().querySelector(".pick"), true),
  "*": () => pickAll(document.querySelector(".pick:not(:checked)") !== null),
  ".": actions,
  r: retry,
  p: togglePause,
  t: nextTheme,
  "?": () => openDialog("keys"),
};

function escape() {
  cursor()?.removeAttribute("data-cursor");
  if (document.querySelector(".pick:checked")) pickAll(false);
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const [target] = event.composedPath(); // the field itself, also inside a shadow root
  if (event.key === "Escape") return typing(target) ? target.blur() : escape();
  if (typing(target)) return;
  if (Date.now() < going) {
    going = 0;
    return go(event.key);
  }
  if (event.key === "g") {
    going = Date.now() + PATIENCE;
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

export function startKeys() {
  if (document.documentElement.dataset.shortcuts === "off") return;
  document.addEventListener("keydown", press);
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row || row === cursor()) return;
    cursor()?.removeAttribute("data-cursor");
    if (event.target.matches(":focus-visible")) row.setAttribute("data-cursor", "");
  });
  if (location.hash === "#search") document.getElementById("search")?.focus();
}
