// Keeps a page current: a message says that something changed, and the page fetches its own live fragment. The messages come to one tab
// of the browser (live-source.js), which shares them with the others (tabs.js). Each is also an event "live" of the document.
import { age } from "./ages.js";
import { Source } from "./live-source.js";
import { notice, speak, withdraw } from "./notices.js";
import { merge } from "./merge.js";
import { startTabs } from "./tabs.js";
import { say } from "./words.js";

const APART = 2_000; // between two fragments
const HURRIED = 400; // the same, when a state of health changed
const HIDDEN_APART = 10_000;
const CHARTS = 10_000; // between two drawings of the charts, which a fragment leaves out otherwise
const POLL = 30_000;
const QUIET = 300_000; // between two fragments while messages come, for what changes without one
const DRAWN = 60_000; // the same where the page has a chart, which has a point a minute
const SOON = 4_000; // where the page waits for something that comes soon
const OFFLINE_AFTER = 20_000;
const SPOKEN_APART = 10_000;
const SAME = 30_000; // a breaker that opened and the component that is down for it are one piece of news
const STATES = /^(health|breaker)\./;
const HURRIES = /^(health|outage|maintenance|breaker)\./;

let sign = null;
let topics = new Set();
let tabs = null;
let source = null;
let status = { by: "", lost: 0, tries: 0, unreachable: false, out: false };
let last = ""; // the id of the last message, from which whoever leads goes on
let news = 0; // when the last message came that said something new
let paused = false;
let failed = 0; // since when the page's own fragment does not come
let reached = Date.now(); // when the last message came, whatever it said
let fresh = Date.now(); // when the data on the page was last known to be right
let fetched = 0;
let drawn = Date.now();
let waiting = null;
let due = 0;
let missed = 0;
let spoken = 0;
let busy = false;
const told = new Map(); // the newest event that a notice told of, by what the notice is about
const states = new Map();

function clock(at, seconds) {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
}

// What the sign says: tone, word, when, and why.
function standing() {
  const now = Date.now();
  const lost = status.lost || failed;
  const ago = `· ${say("ago", { age: age((now - fresh) / 1000) })}`;
  if (paused) return ["idle", say("paused"), missed ? `· ${say("news", { n: missed })}` : "", say("why_paused")];
  if (status.out) return ["bad", say("signed_out"), `· ${say("data_from", { time: clock(fresh) })}`, say("why_out")];
  if (!navigator.onLine || (lost && now - lost > OFFLINE_AFTER && (status.unreachable || failed))) return ["bad", say("offline"), `· ${say("data_from", { time: clock(fresh) })}`, say("why_offline")];
  if (lost) return ["warn", say("reconnecting"), `· ${say("data_from", { time: clock(fresh, true) })}`, say("why_reconnecting", { n: Math.max(status.tries, 1) })];
  if (status.by === "polling") return ["idle", say("polling"), ago, say("why_polling")];
  if (status.by === "socket") return ["ok", say("live_socket"), ago, say("why_socket")];
  return ["ok", say("live"), ago, say("why_live")];
}

function show() {
  const [tone, word, when, why] = standing();
  sign.dataset.tone = tone;
  sign.dataset.by = status.by;
  sign.toggleAttribute("data-leads", Boolean(tabs?.leading));
  sign.setAttribute("aria-pressed", String(paused));
  if (sign.title !== why) sign.title = why;
  for (const [name, text] of [[".word", word], [".when", when]]) {
    const place = sign.querySelector(name);
    if (place.textContent !== text) place.textContent = text;
  }
}

// Whether another verb has just said the same of this upstream.
function saidAlready({ about, verb }) {
  const key = `${about} ${/down|opened/.test(verb)}`;
  const before = states.get(key);
  states.set(key, { verb, at: Date.now() });
  return before !== undefined && before.verb !== verb && Date.now() - before.at < SAME;
}

// What messages tell people: errors and conflicts stay to be closed, good news is shown once or only spoken, seldom enough. Of how
// something is, only the newest word stands: that it is back takes away that it is down.
function announce(notices) {
  for (const one of notices) {
    const { tone, text, item, href, verb, about, event } = one;
    const state = STATES.test(verb);
    const topic = state ? about : `${verb} ${about}`;
    if (event <= (told.get(topic) ?? 0)) continue;
    told.set(topic, event);
    if (state && (["*", about].includes(sign.dataset.says) || saidAlready(one))) continue;
    if (verb === "item.synced") {
      if (Date.now() - spoken > SPOKEN_APART && !document.hidden) {
        spoken = Date.now();
        speak(text);
      }
      continue;
    }
    if (document.hidden && tone === "ok") withdraw(topic);
    else notice({ text, tone, topic, href: href ?? (item ? `/resilience/queue/${item}` : ""), link: say("show") });
  }
}

// Everything as it is now comes without notices of what was missed: of a component that is not out, no earlier one stands.
function recall({ snapshot, skipped, components }) {
  if (!snapshot && !skipped) return;
  for (const { about, state, breaker } of components ?? []) {
    if (state !== "down" && (breaker !== "open" || state === "maintenance")) withdraw(about);
  }
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
    const html = await answer.text();
    if (somebodyElse(html)) return stranger();
    merge(html);
    fresh = Date.now();
    failed = 0;
  } catch {
    failed ||= Date.now();
  } finally {
    busy = false;
    show();
  }
}

function somebodyElse(html) {
  const whose = /data-whose="(\w*)"/.exec(html);
  return whose !== null && whose[1] !== sign.dataset.who;
}

// Somebody else has signed in in this browser: nothing of theirs is put beside what is shown here.
function stranger() {
  status = { ...status, by: "", out: true };
  show();
  const before = Number(sessionStorage.getItem("stranger") ?? 0);
  sessionStorage.setItem("stranger", Date.now());
  if (Date.now() - before > POLL) location.reload();
}

function later(hurried = false) {
  const apart = document.hidden ? HIDDEN_APART : hurried ? HURRIED : APART;
  const at = Math.max(fetched + apart, Date.now() + 50);
  if (waiting !== null && due <= at) return;
  clearTimeout(waiting);
  due = at;
  waiting = setTimeout(() => {
    waiting = null;
    refresh();
  }, at - Date.now());
}

// Whether a message says anything that the page does not show: a resumed one may say that nothing happened.
function saysSomething({ snapshot, skipped, counts, open, ...rest }) {
  const empty = (value) => !value || (typeof value === "object" && !Object.keys(value).length);
  return snapshot || skipped || !Object.values(rest).every(empty);
}

function heard({ topic, id, data }) {
  if (id) last = id;
  reached = Date.now();
  if (topic !== "beat") document.dispatchEvent(new CustomEvent("live", { detail: { topic, data } }));
  const mine = topic === "*" || (topics.has(topic) && saysSomething(data));
  if (mine) news = Date.now();
  if (paused) {
    if (mine && !data.snapshot) missed += 1;
    return show();
  }
  fresh = Date.now();
  if (topic === "health") recall(data);
  if (mine) {
    announce(data.notices ?? []);
    if (topic !== "*" || !document.hidden) later(Object.keys(data.moves ?? {}).some((verb) => HURRIES.test(verb)));
  }
  show();
}

// The leader's side: what it holds, and what its beats tell.
function standHere() {
  status = source.status;
  tabs?.beat();
  show();
}

function state() {
  return { status, last, reached, news };
}

// The others' side.
let joined = false;

function overheard({ kind, message, state }) {
  if (kind === "tell") return heard(message);
  if (kind === "stranger") return stranger();
  status = state.status;
  if (state.last) last = state.last;
  if (!paused && !status.lost) fresh = Math.max(fresh, state.reached);
  if (!joined && state.news && Date.now() - state.news < performance.now() + 1_000) later(); // told while this page was on its way
  joined = true;
  show();
}

/** Stops following, or follows again and catches up. */
export function togglePause() {
  if (!sign) return;
  paused = !paused;
  missed = 0;
  if (!paused) refresh();
  show();
}

function wake() {
  source.hurry();
  if (!paused) refresh();
}

// What is asked for though no message came: often where nothing else tells, seldom where messages come.
function pause() {
  if (failed || document.querySelector("[data-soon]")) return SOON;
  if (status.by !== "stream" && status.by !== "socket") return POLL;
  return document.querySelector(".chart") ? DRAWN : QUIET;
}

export function startLive() {
  sign = document.querySelector("[data-stream]");
  if (!sign) return;
  topics = new Set(sign.dataset.topics.split(" "));
  sign.hidden = false;
  sign.addEventListener("click", togglePause);
  sign.addEventListener("catchup", () => later(true));
  const { stream, socket, messages, who } = sign.dataset;
  source = new Source({
    stream,
    socket,
    messages,
    who,
    tell: (message) => {
      tabs?.share("tell", { message });
      heard(message);
    },
    changed: standHere,
    stranger: () => {
      tabs?.share("stranger");
      stranger();
    },
  });
  tabs = startTabs({ who, lead: () => source.start(last, status.by), follow: () => source.stop(), heard: overheard, state });
  document.addEventListener("visibilitychange", () => !document.hidden && wake());
  addEventListener("pageshow", (event) => event.persisted && wake());
  addEventListener("online", wake);
  addEventListener("offline", show);
  setInterval(() => !document.hidden && show(), 1000);
  setInterval(() => !document.hidden && !paused && Date.now() - fetched >= pause() && refresh(), 5_000);
  if (document.querySelector("[data-stale]")) refresh(); // the page shows a copy that is old enough to be asked for again
  show();
}
