// One tab of a browser leads, which holds the stream; the others hear what it hears over a channel. A visible tab goes before hidden
// ones. A leader says goodbye when it is closed, and beats, so that another takes over when it crashed or hangs. Each claim raises the
// term; of two leaders the one of the later term stays, then the one with the smaller name. Web Locks would do much of this, but
// only where the address is https. Whoever else is signed in in another tab has another `who`, and is not listened to.
const CHANNEL = "runtime-status";
const VERSION = 1;
const BEAT = 500;
const LOOK = 250;
const SILENT = 1_000; // so long a visible leader may be silent
const SILENT_HIDDEN = 2_500; // a hidden one, whose timers run once a second
const ANSWER = 400; // so long a leader that was asked may take
const LATE = 2_500; // who looks so late has slept itself, and asks first
const SETTLE = 60; // between a claim and the stream, so that of several claims one stays
const JOIN = 150;
const LEAVES = 400; // so long hidden tabs leave a visible one that goes on to its next page

/** Joins the tabs of `who`. `lead` and `follow` are called in turn; `heard` gets what the leader shares, `state` says what its beats tell. */
export function startTabs({ who, lead, follow, heard, state }) {
  const me = Math.random().toString(36).slice(2);
  let channel = null;
  let leading = false;
  let leader = null;
  let term = 0;
  let heardAt = 0;
  let lookedAt = 0;
  let asked = 0;
  let timers = [];
  let opening = null;
  let beaten = 0;

  const post = (kind, rest) => channel?.postMessage({ v: VERSION, who, from: me, kind, term, hidden: document.hidden, ...rest });

  function beat() {
    beaten = Date.now();
    post("beat", { state: state() });
  }

  function claim() {
    if (leading) return;
    term += 1;
    leading = true;
    leader = null;
    asked = 0;
    beat();
    opening = setTimeout(() => leading && lead(), channel ? SETTLE : 0);
  }

  function stepDown() {
    leading = false;
    clearTimeout(opening);
    follow();
  }

  // Claims in a moment unless a leader has been found meanwhile who will do.
  function claimSoon(within, least = 0) {
    setTimeout(() => channel && !leading && (!leader || (leader.hidden && !document.hidden)) && claim(), least + Math.random() * within);
  }

  function later(message, id) {
    return message.term > term || (message.term === term && message.from < id);
  }

  function take({ data }) {
    if (data?.v !== VERSION || data.who !== who) return;
    if (data.kind === "ask") {
      if (leading) beat();
      return;
    }
    if (data.kind === "bye") {
      if (leader?.id !== data.from) return;
      leader = null;
      return document.hidden ? claimSoon(LEAVES, LEAVES) : claimSoon(50);
    }
    if (leading) {
      if (!later(data, me)) return beat();
      stepDown();
    } else if (leader?.id !== data.from && !(leader ? later(data, leader.id) : data.term >= term)) return;
    term = Math.max(term, data.term);
    leader = { id: data.from, hidden: data.hidden };
    heardAt = Date.now();
    asked = 0;
    heard(data);
    if (data.hidden && !document.hidden) claimSoon(60);
  }

  function ask() {
    asked = Date.now();
    post("ask");
  }

  function look() {
    const now = Date.now();
    const slept = now - lookedAt > LATE;
    lookedAt = now;
    if (leading) {
      if (now - beaten >= BEAT - 20) beat();
      return;
    }
    if (now - heardAt < (leader?.hidden ? SILENT_HIDDEN : SILENT)) return;
    if (asked) return void (now - asked >= ANSWER && claim());
    if (slept || leader?.hidden) {
      ask();
      setTimeout(() => channel && look(), ANSWER + 50);
    } else claim();
  }

  function join() {
    if (channel) return;
    if (!("BroadcastChannel" in window)) return claim();
    channel = new BroadcastChannel(CHANNEL);
    channel.addEventListener("message", take);
    heardAt = lookedAt = Date.now();
    leader = null;
    post("ask");
    timers = [setInterval(look, LOOK), setTimeout(() => !leader && claim(), JOIN * (document.hidden ? 2 : 1) + Math.random() * JOIN)];
  }

  function leave() {
    if (leading) {
      post("bye");
      stepDown();
    }
    timers.forEach(clearInterval);
    channel?.close();
    channel = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (leading) beat();
    else if (!document.hidden && leader?.hidden) claimSoon(0);
    else if (!document.hidden) look();
  });
  addEventListener("pagehide", leave);
  document.addEventListener("freeze", leave);
  addEventListener("pageshow", (event) => event.persisted && join());
  document.addEventListener("resume", join);
  join();
  return {
    get leading() {
      return leading;
    },
    /** Tells the other tabs something, if this one leads. */
    share: (kind, rest) => leading && post(kind, rest),
    /** Tells them how things stand now. */
    beat: () => leading && beat(),
  };
}
