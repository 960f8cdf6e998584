// Merges a live fragment into the page. Every top element of the fragment has an id and takes the place of the one with that id;
// rows are updated where they stand, and rows that are new or gone wait until the reader asks for them.
import { tick } from "./ages.js";
import { showSelection } from "./selection.js";
import { say } from "./words.js";

const BAR_STAYS = 10_000;

function settled(row) {
  return row.contains(document.activeElement) || row.querySelector(".pick:checked, details[open]") !== null;
}

function mergeRows(table) {
  for (const row of table.tBodies[0].rows) {
    const old = document.getElementById(row.id);
    if (!old || settled(old)) continue;
    if (old.dataset.version === row.dataset.version) {
      freshenCountdown(old, row);
      continue;
    }
    const shown = document.importNode(row, true);
    shown.dataset.changed = "";
    shown.dataset.fresh = "";
    old.replaceWith(shown);
    setTimeout(() => shown.removeAttribute("data-changed"), BAR_STAYS);
  }
  showNews(Number(table.dataset.added), Number(table.dataset.gone));
}

// Another time of the next try is no change that needs the eye: it is put in silently.
function freshenCountdown(old, row) {
  const [was, is] = [old, row].map((one) => one.querySelector("time[data-until]"));
  if (was?.dateTime !== is?.dateTime) old.querySelector(".wide").innerHTML = row.querySelector(".wide").innerHTML;
}

function showNews(added, gone) {
  const news = document.getElementById("news");
  if (!news) return;
  news.hidden = !(added || gone);
  if (news.hidden) return;
  const parts = [added && say(added === 1 ? "new_item" : "new_items", { n: added }), gone && say("done", { n: gone })];
  news.textContent = `${parts.filter(Boolean).join(", ")}. ${say("show")}`;
  if (!document.querySelector("tr[data-row]")) news.click(); // an empty list has nothing that could jump
}

// Cards keep their place: one whose state changed takes the bar, other figures are put in silently. Another order waits to be asked for.
function mergeCards(fresh) {
  const list = document.getElementById(fresh.id);
  if (!list) return;
  const ids = (of) => [...of.children].map((card) => card.id).join();
  const button = document.getElementById(`${fresh.id}-news`);
  const whole = document.importNode(fresh, true);
  for (const card of [...fresh.children]) {
    const old = document.getElementById(card.id);
    if (old) replaceCard(old, document.importNode(card, true));
  }
  if (!button) return;
  button.hidden = ids(list) === ids(fresh);
  button.onclick = () => {
    list.replaceWith(whole);
    button.hidden = true;
    whole.querySelector("a")?.focus({ preventScroll: true });
  };
}

const sources = new WeakMap();

function replaceCard(old, fresh) {
  const source = fresh.outerHTML;
  if (sources.get(old) === source) return;
  sources.set(fresh, source);
  const changed = old.dataset.version !== fresh.dataset.version;
  if (changed) setTimeout(() => fresh.removeAttribute("data-changed"), BAR_STAYS);
  if (changed || "changed" in old.dataset) fresh.dataset.changed = "";
  if (changed) fresh.dataset.fresh = "";
  if ("cursor" in old.dataset) fresh.dataset.cursor = "";
  replacePart(old, fresh);
}

function sameState(old, fresh) {
  for (const details of old.querySelectorAll("details[id][open]")) fresh.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
}

// Whether something was typed or chosen in a part, which must not be lost.
function edited(part) {
  return [...part.querySelectorAll("input:not([type=hidden]), textarea, select")].some((field) => {
    if (field.matches("select")) return field.selectedIndex !== Math.max([...field.options].findIndex((option) => option.defaultSelected), 0);
    return field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  });
}

// What is read out is filled anew and stays the same element: readers follow no other.
function refill(old, fresh) {
  const held = old.contains(document.activeElement);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  old.replaceChildren(...fresh.childNodes);
  if (held) old.querySelector("a, button")?.focus({ preventScroll: true });
}

function replacePart(old, fresh) {
  if (old.outerHTML === fresh.outerHTML || edited(old)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  if (old.querySelector("[data-holds]:is(:hover, :focus)")) return; // somebody reads it with the pointer or the keys
  if (focused?.matches("input, textarea, select") || old.querySelector("details[data-menu][open]")) return;
  sameState(old, fresh);
  const scroll = [...old.querySelectorAll("[data-keeps-scroll]"), old].map((element) => element.scrollLeft);
  if (old.matches("[role=status]")) return refill(old, fresh);
  old.replaceWith(fresh);
  [...fresh.querySelectorAll("[data-keeps-scroll]"), fresh].forEach((element, index) => (element.scrollLeft = scroll[index] ?? 0));
  if (!focused) return;
  const again = focused.id ? document.getElementById(focused.id) : [...fresh.querySelectorAll(focused.tagName)].find((element) => element.getAttribute("href") === focused.getAttribute("href") && element.textContent === focused.textContent);
  again?.focus({ preventScroll: true });
}

/** Brings the page in line with `html`, the answer to a live request. */
export function merge(html) {
  const parts = new DOMParser().parseFromString(`<template>${html}</template>`, "text/html").querySelector("template").content;
  for (const fresh of [...parts.children]) {
    const old = document.getElementById(fresh.id);
    if (!old) continue;
    if (fresh.matches("[data-rows]")) mergeRows(fresh);
    else if (fresh.matches("[data-cards]")) mergeCards(fresh);
    else replacePart(old, document.importNode(fresh, true));
  }
  tick();
  showSelection();
}
