// The resolution of a conflict, on its page and in a dialog over the queue: keys, the kept draft, the live preview, the confirmation.
// Without this script the same form works by its buttons. Everything is looked up anew, since parts of the page are replaced.
import { address, changed as later, form, handOver, keep, post, restore, root, unkept, whenKept } from "./conflict-draft.js";
import { openDialog } from "./dialog.js";
import { notice, speak } from "./notices.js";
import { say } from "./words.js";

const NOW = { now: true };
const undone = []; // [{name, value, text}], what was chosen before each step

let current = "";
let going = 0; // until when a key belongs to g, which goes to a page

const spots = () => [...(root()?.querySelectorAll("[data-spot]") ?? [])].filter((spot) => spot.querySelector("input[type=radio]"));
const picked = (spot) => spot.querySelector("input[type=radio]:checked");
const undecided = () => spots().filter((spot) => !picked(spot));
const here = () => spots().find((spot) => spot.dataset.spot === current);

function show(spot, { focus = true } = {}) {
  if (!spot) return;
  current = spot.dataset.spot;
  for (const one of root().querySelectorAll(".spot.here")) one.classList.remove("here");
  spot.classList.add("here");
  const card = spot.closest("[data-card]");
  for (const link of root().querySelectorAll("#rail [data-to]")) {
    if (card && link.dataset.to === card.id.slice(2)) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (!focus) return;
  const radio = picked(spot) ?? spot.querySelector("input[type=radio]");
  radio.focus({ preventScroll: true });
  (spot.matches("fieldset") ? spot : card ?? spot).scrollIntoView({ block: "nearest" });
  (radio.closest("label") ?? radio).scrollIntoView({ block: "nearest" });
}

// To the next that is not decided; when none is left on this page, to the next at all, or to the page that has one.
function step(by) {
  const open = undecided();
  const among = open.length ? open : spots();
  if (!among.length) return;
  if (!open.length && Number(root().querySelector("#tally")?.dataset.open)) return root().querySelector("#tally button")?.click();
  const all = spots();
  const at = all.indexOf(here());
  const next = by > 0 ? among.find((spot) => all.indexOf(spot) > at) ?? among[0] : among.findLast((spot) => all.indexOf(spot) < (at < 0 ? all.length : at)) ?? among.at(-1);
  show(next);
}

function remember(spots_) {
  undone.push(spots_.map((spot) => ({ name: spot.dataset.spot, value: spot.dataset.was ?? "" })));
}

function settle(spot) {
  const value = picked(spot)?.value ?? "";
  spot.dataset.was = value;
  const head = spot.querySelector(":scope > .spot-head .end");
  if (head) head.textContent = value ? head.dataset.done : head.dataset.yet;
  const card = spot.closest("[data-card]");
  const open = spots().some((one) => card.contains(one) && !picked(one));
  card.classList.toggle("done", !open);
  const sign = card.querySelector(".card-head > .icon use");
  if (sign && "asks" in card.dataset) sign.setAttribute("href", sign.getAttribute("href").replace(/#.*/, open ? "#conflict" : "#synced"));
}

function choose(spot, value) {
  const radio = spot?.querySelector(`input[type=radio][value="${value}"]`);
  if (!radio) return false;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

function pick(value) {
  const spot = here() ?? undecided()[0];
  show(spot, { focus: false });
  if (!choose(spot, value)) return speak(say("no_such_choice"));
  if (value === "edit") return;
  if (!undecided().length) speak(say("all_decided"));
  show(spot);
}

async function write(spot) {
  const field = spot.querySelector(".write :is(textarea, input, select)");
  if (!field) return;
  field.focus();
  if (field.dataset.start && !field.value) {
    const [id, hunk] = spot.dataset.spot.split(".");
    const from = new URL(`${address()}/documents/${field.dataset.start}`, location.href);
    from.search = new URLSearchParams({ d: id, raw: "1", ...(hunk && { hunk }) });
    const answer = await fetch(from);
    const text = answer.ok ? await answer.text() : "";
    if (!text || field.value) return;
    field.value = text;
    later();
  }
  if (field.matches("select")) return;
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollTop = field.scrollHeight;
}

function undo() {
  const last = undone.pop();
  if (!last) return root().querySelector("[data-undo] button")?.click() ?? speak(say("nothing_to_undo"));
  for (const { name, value } of last) {
    const spot = spots().find((one) => one.dataset.spot === name);
    if (!spot) continue;
    for (const radio of spot.querySelectorAll("input[type=radio]")) radio.checked = radio.value === value;
    settle(spot);
  }
  show(spots().find((one) => one.dataset.spot === last[0].name));
  later(NOW);
}

function fill(side) {
  const asking = spots().filter((spot) => spot.closest("[data-asks]"));
  remember(asking);
  for (const spot of asking) {
    const radio = spot.querySelector(`input[value="${side}"]`);
    if (radio) radio.checked = true;
    settle(spot);
  }
  later(NOW);
}

// What is not chosen any more is said too: a form does not send a radio that nobody checked.
function tellCleared({ target, formData }) {
  if (target.id !== "decisions") return;
  for (const spot of spots()) if (!picked(spot) && target.contains(spot)) formData.append("x", spot.dataset.spot);
}

function mark() {
  const open = Number(root()?.querySelector("#tally")?.dataset.open ?? 0);
  const button = root()?.querySelector(".submit-bar [data-send]");
  for (const [name, value] of [["aria-disabled", "true"], ["aria-describedby", "tally"]]) {
    if (open > 0) button?.setAttribute(name, value);
    else button?.removeAttribute(name);
  }
  const spot = here();
  if (spot) show(spot, { focus: false });
  if (root()?.querySelector("[data-raw]")?.hidden === false) showTab("raw");
}

function take(html, answer) {
  const parts = new DOMParser().parseFromString(html, "text/html");
  const box = parts.getElementById("confirm");
  if (box) return confirm(box);
  const fresh = parts.getElementById("conflict");
  if (!fresh && !answer.ok) return notice({ text: say("failed_request"), tone: "bad", topic: "conflict" });
  if (!fresh) return location.assign(answer.url);
  root().replaceWith(document.importNode(fresh, true));
  undone.length = 0;
  start({ focus: true });
  root().querySelector("[data-takes-focus]")?.focus();
}

function confirm(box) {
  document.getElementById("confirm-dialog")?.remove();
  const dialog = document.createElement("dialog");
  dialog.id = "confirm-dialog";
  dialog.setAttribute("aria-labelledby", "confirm-title");
  dialog.append(document.importNode(box, true));
  for (const link of dialog.querySelectorAll("[data-closes]")) link.addEventListener("click", (event) => event.preventDefault());
  dialog.addEventListener("close", () => {
    dialog.remove();
    root()?.querySelector("[data-send]")?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[name=do]").focus();
}

/** Asks for the confirmation, or sends when nothing is thrown away. */
async function send(button) {
  if (button?.getAttribute("aria-disabled") === "true" || undecided().length) {
    speak(root().querySelector("#tally").textContent.trim());
    return step(1);
  }
  await submit(button.value, root().closest("dialog") ? "conflict" : "confirm");
}

async function submit(verb, part) {
  const had = unkept();
  handOver();
  const answer = await post(verb, part).catch(() => null);
  if (!answer) {
    if (had) later();
    return notice({ text: say("no_connection"), tone: "bad", topic: "conflict" });
  }
  const path = new URL(answer.url).pathname;
  if (verb === "save") return root().closest("dialog") ? root().closest("dialog").close() : location.assign(answer.url);
  if (answer.redirected && !root().closest("dialog")) return location.assign(answer.url);
  if (path !== new URL(address(), location.href).pathname) return location.assign(answer.url);
  take(await answer.text(), answer);
}

async function showTab(name) {
  const toRaw = name === "raw";
  const panel = root().querySelector(".sent");
  if (toRaw) panel.querySelector("[data-raw]").textContent = await (await fetch(panel.querySelector("[data-tab=raw]").href)).text();
  panel.querySelector("[data-raw]").hidden = !toRaw;
  panel.querySelector("[data-read]").hidden = toRaw;
  for (const one of panel.querySelectorAll("[data-tab]")) {
    if (one.dataset.tab === name) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

async function raw(tab) {
  const name = tab.dataset.tab;
  if (name === "raw") await keep();
  await showTab(name);
  root().querySelector(`[data-tab=${name}]`).focus({ preventScroll: true });
}

async function edit(focus) {
  const textarea = root()?.querySelector("textarea[data-editor]");
  if (!textarea) return;
  try {
    const { edit: open } = await import(textarea.dataset.editor);
    const editor = open(textarea, {});
    const found = document.getElementById("manual-found");
    if (found) editor.setFaults(JSON.parse(found.textContent));
    if (focus && !root().querySelector("[data-takes-focus]")) editor.focus();
  } catch {
    // The textarea alone does.
  }
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  1: () => pick("local"),
  2: () => pick("remote"),
  b: () => pick("base"),
  3: () => pick("both"),
  e: () => pick("edit"),
  u: undo,
  "?": () => openDialog("keys"),
};

function typing(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}

function press(event) {
  if (event.defaultPrevented || event.altKey || event.shiftKey !== (event.key === "?")) return;
  const modal = [...document.querySelectorAll("dialog[open]")].pop();
  if (!root() || (modal && !modal.contains(root()))) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const button = root().querySelector("[data-send]");
    if (!button) return;
    event.preventDefault();
    return button.click();
  }
  const [target] = event.composedPath();
  const written = event.key === "Escape" && target.closest(".write")?.closest("[data-spot]");
  if (written) {
    event.preventDefault();
    event.stopPropagation();
    return show(written);
  }
  if (event.ctrlKey || event.metaKey || typing(target) || document.documentElement.dataset.shortcuts === "off") return;
  if (Date.now() < going) return void (going = 0);
  if (event.key === "g") going = Date.now() + 1500;
  const act = KEYS[event.key];
  if (!act || (event.key !== "?" && !form() && event.key !== "u")) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function changed({ target }) {
  const spot = target.closest("[data-spot]");
  if (!spot || !form()?.contains(spot)) return;
  if (target.matches("input[type=radio]")) {
    if (target.value !== spot.dataset.was) remember([spot]);
    settle(spot);
    show(spot, { focus: false });
    if (target.value === "edit") write(spot);
    later(NOW);
  }
}

function wrote({ target }) {
  if (target.id === "manual" && form()?.contains(target)) return later();
  const spot = target.closest(".write")?.closest("[data-spot]");
  if (!spot) return;
  if (picked(spot)?.value !== "edit") {
    const radio = spot.querySelector("input[type=radio][value=edit]");
    remember([spot]);
    radio.checked = true;
    settle(spot);
  }
  later();
}

function click(event) {
  if (!root()?.contains(event.target)) return;
  const { target } = event;
  const key = target.closest("[data-key]");
  if (key) return KEYS[key.dataset.key]();
  const all = target.closest("[data-all]");
  if (all && !root().querySelector("#manual") && !root().querySelector("[data-next-page], [data-prev-page]")) {
    event.preventDefault();
    return fill(all.dataset.all);
  }
  const tab = target.closest("[data-tab]");
  if (tab) {
    event.preventDefault();
    return raw(tab);
  }
  const to = target.closest("[data-to], [data-next]");
  if (to) {
    event.preventDefault();
    const id = to.hash;
    const card = root().querySelector(`#${CSS.escape(id.slice(1))}`);
    show(spots().find((spot) => card?.contains(spot) && !picked(spot)) ?? spots().find((spot) => card?.contains(spot)));
  }
}

function submitted(event) {
  if (event.target.id !== "decisions") return;
  const button = event.submitter;
  if (button && "send" in button.dataset) {
    event.preventDefault();
    return send(button);
  }
  if (!root().closest("dialog")) return handOver();
  event.preventDefault();
  submit(button?.value ?? "keep", "conflict");
}

// Takes over a conflict that came with the page, or in the place of another. `focus` leads to the first question that is open.
function start({ focus = false } = {}) {
  restore();
  for (const spot of spots()) spot.dataset.was = picked(spot)?.value ?? "";
  edit(focus);
  const wanted = location.hash.startsWith("#d-") && root()?.querySelector(`#${CSS.escape(location.hash.slice(1))}`);
  const first = wanted ? spots().find((spot) => wanted.contains(spot)) : undecided()[0] ?? spots()[0];
  const led = focus || wanted || location.hash === "#questions";
  if (first) show(first, { focus: Boolean(led) });
  // Going to the address's fragment takes the focus away again.
  if (first && led && document.readyState !== "complete") addEventListener("load", () => setTimeout(() => document.activeElement === document.body && show(first)), { once: true });
  mark();
}

/** Takes over a conflict that has just been put into a dialog. */
export const takeOver = () => start({ focus: true });

document.addEventListener("keydown", press, true);
document.addEventListener("change", changed);
document.addEventListener("input", wrote);
document.addEventListener("click", click);
document.addEventListener("submit", submitted);
document.addEventListener("formdata", tellCleared);
document.addEventListener("focusin", ({ target }) => {
  const spot = target.closest?.("[data-spot]");
  if (spot && form()?.contains(spot) && spot !== here()) show(spot, { focus: false });
});
whenKept(mark);
if (root()) start();
