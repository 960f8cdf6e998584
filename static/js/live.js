// Keeps a page current: a message on the stream says that the queue changed, the page then fetches its own live fragment.
// A hidden tab closes its stream and catches up when it is shown again. Without a stream the page asks every 30 s.
import { age } from "./ages.js";
import { notice, speak } from "./notices.js";
import { merge } from "./merge.js";
import { say } from "./words.js";

const TOPICS = new Set(["queue", "events", "conflicts", "breakers"]);
const APART = 2_000; // between two fragments
const CHARTS = 10_000; // between two drawings of the charts, which a fragment leaves out otherwise
const POLL = 30_000;
const SOON = 4_000; // where the page waits for something that comes soon
const OFFLINE_AFTER = 20_000;
const SPOKEN_APART = 10_000;

let sign = null;
let source = null;
let paused = false;
let lost = 0; // since when there is no stream; 0 while there is one
let fresh = Date.now(); // when the data on the page was last known to be right
let fetched = 0;
let drawn = Date.now();
let waiting = null;
let missed = 0;
let spoken = 0;
let told = 0;
let busy = false;

function clock(at, seconds) {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
}

function show() {
  const now = Date.now();
  let [tone, word, when] = ["ok", say("live"), `· ${say("ago", { age: age((now - fresh) / 1000) })}`];
  if (paused) [tone, word, when] = ["idle", say("paused"), missed ? `· ${say("news", { n: missed })}` : ""];
  else if (!navigator.onLine || (lost && now - lost > OFFLINE_AFTER)) [tone, word, when] = ["bad", say("offline"), `· ${say("data_from", { time: clock(fresh) })}`];
  else if (lost) [tone, word, when] = ["warn", say("reconnecting"), `· ${say("data_from", { time: clock(fresh, true) })}`];
  sign.dataset.tone = tone;
  sign.setAttribute("aria-pressed", String(paused));
  for (const [name, text] of [[".word", word], [".when", when]]) {
    const place = sign.querySelector(name);
    if (place.textContent !== text) place.textContent = text;
  }
}

// What the stream tells people: errors and conflicts stay to be closed, good news is shown once or only spoken, seldom enough.
function announce(notices) {
  for (const { tone, text, item, verb, event } of notices) {
    if (event <= told) continue;
    if (verb === "item.synced") {
      if (Date.now() - spoken > SPOKEN_APART) {
        spoken = Date.now();
        speak(text);
      }
      continue;
    }
    notice({ text, tone, topic: verb, href: item ? `/resilience/queue/${item}` : "", link: say("show") });
  }
  told = Math.max(told, ...notices.map((one) => one.event));
}

/** Fetches the live fragment of this page and merges it. */
export async function refresh() {
  if (busy) return later();
  busy = true;
  fetched = Date.now();
  const address = new URL(sign.dataset.page ?? location.href, location.href);
  const shown = [...document.querySelectorAll("tr[data-row]")].map((row) => row.dataset.row);
  if (Date.now() - drawn > CHARTS) {
    address.searchParams.set("charts", "1");
    drawn = Date.now();
  }
  if (shown.length) address.searchParams.set("shown", shown.join(","));
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": "live" } });
    if (answer.redirected) return location.reload(); // signed out meanwhile
    if (!answer.ok) throw new Error(answer.statusText);
    merge(await answer.text());
    fresh = Date.now();
  } catch {
    lost ||= Date.now();
  } finally {
    busy = false;
    show();
  }
}

function later() {
  waiting ??= setTimeout(() => {
    waiting = null;
    refresh();
  }, Math.max(APART - (Date.now() - fetched), 50));
}

function heard(event) {
  lost = 0;
  if (paused) {
    if (TOPICS.has(event.type)) missed += 1;
    return show();
  }
  fresh = Date.now();
  if (TOPICS.has(event.type)) {
    announce(JSON.parse(event.data).notices ?? []);
    later();
  }
  show();
}

function open() {
  if (source || paused) return;
  source = new EventSource(sign.dataset.stream);
  for (const type of ["open", "message", ...TOPICS, "beat"]) source.addEventListener(type, heard);
  source.addEventListener("error", () => {
    lost ||= Date.now();
    if (source?.readyState === EventSource.CLOSED) {
      close();
      setTimeout(() => !document.hidden && open(), 5_000);
    }
    show();
  });
}

function close() {
  source?.close();
  source = null;
}

/** Stops following, or follows again and catches up. */
export function togglePause() {
  if (!sign) return;
  paused = !paused;
  missed = 0;
  if (!paused) refresh();
  show();
}

export function startLive() {
  sign = document.querySelector("[data-stream]");
  if (!sign) return;
  sign.hidden = false;
  sign.addEventListener("click", togglePause);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    open();
    if (!paused) refresh();
  });
  addEventListener("pagehide", close);
  addEventListener("online", () => refresh());
  addEventListener("offline", show);
  setInterval(() => !document.hidden && show(), 1000);
  setInterval(() => !document.hidden && !paused && Date.now() - fetched >= (document.querySelector("[data-soon]") ? SOON : POLL) && refresh(), 5_000);
  if (!document.hidden) open();
  if (document.querySelector("[data-stale]")) refresh(); // the page shows a copy that is old enough to be asked for again
  show();
}
