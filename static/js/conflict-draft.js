// Keeps what is chosen and written in a conflict: a choice at once, typing after a pause and every 2 s at the latest, the rest while one leaves.
// What the server has not confirmed also stays in this tab, and stands in the form again when the page comes back without it.
import { merge } from "./merge.js";
import { notice, speak } from "./notices.js";
import { say } from "./words.js";

const CALM = 350; // after the last letter
const LATEST = 2_000; // after the first letter that is not on its way
const AGAIN = 5_000; // after a refusal that may pass
const ROOM = 60_000; // bytes that a browser still sends for a page that is gone
const LATE = 10_000; // so long the last request of a page that is gone may take

let due = null;
let since = 0; // when the first change came that is not on its way; 0 when there is none
let journey = null; // {done, stop, outlives}, the request under way
let savedAt = ""; // when the server last kept something of this person, as far as this page knows
let leaving = false; // the next page may have been drawn before our last request arrived: then this tab's copy is what holds
let after = () => {};

export const root = () => document.querySelector("dialog[open] #conflict") ?? document.getElementById("conflict");
export const form = () => root()?.querySelector("#decisions");
export const address = () => root().dataset.conflict;

/** Whether something was chosen or written that the server has not confirmed. */
export const unkept = () => since > 0 || journey !== null;

/** Calls `act` each time the page was brought in line with what is kept. */
export function whenKept(act) {
  after = act;
}

/** The answer to the form, sent for one part of the page. */
export function post(verb, part, options = {}) {
  return fetch(address(), { method: "POST", body: filled(verb), headers: { "HX-Request": "true", "HX-Target": part }, ...options });
}

function filled(verb) {
  const data = new FormData(form());
  data.set("do", verb);
  return data;
}

function sign(name, places) {
  const place = root()?.querySelector("#saved");
  if (!place) return;
  place.textContent = say(name, places);
  place.dataset.tone = name === "not_saved" ? "bad" : "idle";
}

/** Says that something changed: `now` for a choice, which is complete at once. */
export function changed({ now = false } = {}) {
  leaving = false;
  since ||= Date.now();
  clearTimeout(due);
  if (now) return void keep();
  sign("saving");
  due = setTimeout(keep, Math.max(0, Math.min(CALM, since + LATEST - Date.now())));
}

/** Keeps what changed and brings the preview in line with it; done when nothing is on its way any more. */
export async function keep() {
  clearTimeout(due);
  while (journey) await journey.done;
  if (since && form()) await carry(false);
}

/** The same without waiting for anything, for a page that may be gone in a moment. */
export function leave() {
  if ((!since && (!journey || journey.outlives)) || !form()) return;
  leaving = true;
  clearTimeout(due);
  const underWay = journey !== null;
  journey?.stop.abort();
  since ||= Date.now();
  copy(underWay);
  const small = fits();
  if (small && !("keepalive" in Request.prototype)) navigator.sendBeacon(address(), filled("keep"));
  else carry(small);
}

/** Forgets what is not kept, since something else takes it to the server, or nobody wants it. */
export function handOver() {
  clearTimeout(due);
  journey?.stop.abort();
  journey = null;
  since = 0;
  drop();
}

function carry(outlives) {
  const stop = new AbortController();
  const mine = { stop, outlives };
  const from = since;
  since = 0;
  sign("saving");
  journey = mine;
  mine.done = travel(stop.signal, outlives).then((why) => {
    if (journey !== mine) return;
    journey = null;
    if (!why) return;
    since ||= from;
    copy();
    sign("not_saved", { why: say(why.name, why) });
    speak(say("not_saved", { why: say(why.name, why) }));
    if (why.passes) due = setTimeout(keep, AGAIN);
  });
  return mine.done;
}

// Gives why it was not kept; nothing when it was.
async function travel(signal, keepalive) {
  const key = slot();
  let answer;
  let html;
  try {
    answer = await post("keep", "kept", { signal, keepalive });
    html = await answer.text();
  } catch {
    return { name: "why_no_connection", passes: true };
  }
  if (signal.aborted) return null;
  if (answer.redirected) {
    notice({ text: say("not_saved", { why: say("why_signed_out") }), tone: "bad", topic: "kept", href: answer.url, link: say("sign_in") });
    return { name: "why_signed_out" };
  }
  if (!html.includes('id="saved"')) return { name: "why_refused", status: answer.status, passes: answer.status === 429 || answer.status >= 500 };
  savedAt = new DOMParser().parseFromString(html, "text/html").querySelector("#saved time")?.dateTime ?? "";
  if (since || !form() || slot() !== key) return null;
  if (!leaving) sessionStorage.removeItem(key);
  merge(html);
  after();
  return null;
}

function fits() {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const [name, value] of filled("keep")) bytes += 120 + name.length + encoder.encode(value).length;
  return bytes < ROOM;
}

// One copy for the decisions of a page and one for the whole document; it is for the same person and the same documents only.
const slot = () => `conflict ${address()} ${form()?.querySelector("#manual") ? "document" : "decisions"}`;
const known = () => [root().dataset.by, form().elements.digest?.value, form().elements.from?.value].join(" ");

// `underWay`: an earlier request of this page may still arrive, and what the server has then is ours, but older than the copy.
function copy(underWay = false) {
  const fields = [...filled("keep")].filter(([name]) => /^([cv]\.|manual$|x$)/.test(name));
  try {
    sessionStorage.setItem(slot(), JSON.stringify({ known: known(), savedAt, underWay, at: Date.now(), fields }));
  } catch {
    // No room in this tab: then the server alone has it.
  }
}

function drop() {
  if (form()) sessionStorage.removeItem(slot());
}

// What was chosen or written before this script ran.
function early() {
  return [...form().querySelectorAll("[name^='c.'], [name^='v.'], #manual")].some((field) => {
    if (field.matches("select")) return field.selectedIndex !== Math.max([...field.options].findIndex((option) => option.defaultSelected), 0);
    return field.type === "radio" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  });
}

/** Puts back what was left unconfirmed, unless the server has something newer. */
export function restore() {
  since = 0;
  if (!form()) return;
  savedAt = root().querySelector("#saved time")?.dateTime ?? "";
  const left = JSON.parse(sessionStorage.getItem(slot()) ?? "null");
  drop();
  const ours = left?.known === known() && (left.savedAt === savedAt || (left.underWay && Date.now() - left.at < LATE));
  const put = ours ? left.fields.map(([name, value]) => putBack(name, value)) : [];
  if (early() || put.includes(true)) changed({ now: true });
}

function putBack(name, value) {
  const cleared = name === "x";
  const fields = [...root().querySelectorAll(`[name="${CSS.escape(cleared ? `c.${value}` : name)}"]`)];
  let differs = false;
  for (const field of fields) {
    if (field.type !== "radio") {
      differs ||= field.value !== value;
      field.value = value;
      continue;
    }
    const checked = !cleared && field.value === value;
    differs ||= field.checked !== checked;
    field.checked = checked;
  }
  return differs;
}

addEventListener("beforeunload", (event) => {
  if (unkept() && form() && !fits()) event.preventDefault();
  leave();
});
addEventListener("pagehide", leave);
addEventListener("online", () => since && keep());
document.addEventListener("visibilitychange", () => document.hidden && leave());
