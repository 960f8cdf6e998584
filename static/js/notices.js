// What a page says by itself: successes leave after 10 s, errors stay until they are closed.
import { say } from "./words.js";

const ICONS = { ok: "synced", bad: "failed", ask: "conflict", warn: "slow", idle: "info" };
const STAY = 10_000;

function icon(name) {
  const drawn = document.querySelector("svg.icon use")?.getAttribute("href").split("#")[0];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${drawn}#${name}`);
  svg.append(use);
  return svg;
}

/** Says something to screen readers only. */
export function speak(text) {
  document.getElementById("spoken").textContent = text;
}

/** Takes the notice of a topic away, since it does not hold any more. */
export function withdraw(topic) {
  document.querySelector(`#notices [data-topic="${CSS.escape(topic)}"]`)?.remove();
}

/** Shows a notice at the bottom of the page. With `href` it leads to its rows; with the same `topic` it replaces the one before. */
export function notice({ text, tone = "idle", topic = "", href = "", link = "" }) {
  const place = document.getElementById("notices");
  if (topic) withdraw(topic);
  const shown = document.createElement("div");
  shown.className = "notice";
  shown.dataset.tone = tone;
  shown.dataset.topic = topic;
  const sentence = document.createElement("span");
  sentence.textContent = text;
  shown.append(icon(ICONS[tone]), sentence);
  if (href) {
    const anchor = document.createElement("a");
    anchor.href = href;
    anchor.textContent = link;
    shown.append(anchor);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn";
  Object.assign(close.dataset, { kind: "quiet", icon: "", size: "small" });
  close.setAttribute("aria-label", say("close"));
  close.append(icon("close"));
  close.addEventListener("click", () => shown.remove());
  shown.append(close);
  place.append(shown);
  if (tone !== "bad" && tone !== "ask") setTimeout(() => shown.remove(), STAY);
}

export function startNotices() {
  document.body.addEventListener("htmx:responseError", (event) => {
    notice({ text: event.detail.xhr.responseText.trim().slice(0, 300) || say("failed_request"), tone: "bad", topic: "htmx" });
  });
  document.body.addEventListener("htmx:sendError", () => notice({ text: say("no_connection"), tone: "bad", topic: "htmx" }));
}
