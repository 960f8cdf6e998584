// The form that forces a breaker says on its button until when, and how many more changes wait by then.
const CLOCK = { hour: "2-digit", minute: "2-digit" };

function endOf(form) {
  const chosen = form.querySelector("[name=until]:checked");
  if (chosen.dataset.minutes) return new Date(Date.now() + Number(chosen.dataset.minutes) * 60_000);
  if (chosen.dataset.at) return new Date(chosen.dataset.at);
  const typed = form.querySelector("[name=at]").value;
  return typed ? new Date(typed) : null;
}

// A time of today stands bare, any other with its day.
function inWords(end) {
  const time = end.toLocaleTimeString("en-GB", CLOCK);
  if (end.toDateString() === new Date().toDateString()) return time;
  return `${end.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

function show(form) {
  const button = form.querySelector("[data-until-words]");
  const more = form.querySelector("[data-more]");
  button.dataset.plain ??= button.textContent;
  const hour = form.querySelector("[data-minutes='60'] + span [data-end]");
  if (hour) hour.textContent = new Date(Date.now() + 3_600_000).toLocaleTimeString("en-GB", CLOCK);
  const end = endOf(form);
  if (button.getAttribute("aria-busy") === "true") return;
  button.textContent = end ? button.dataset.untilWords.replace("{time}", inWords(end)) : button.dataset.plain;
  if (!more) return;
  const waits = Math.round((Number(more.dataset.perMinute) * (end - Date.now())) / 60_000);
  more.hidden = !(end && waits > 0);
  more.textContent = more.dataset.more.replace("{n}", waits.toLocaleString("en-GB")).replace("{time}", end ? inWords(end) : "");
}

const forms = [...document.querySelectorAll("[data-forces]")];
for (const form of forms) {
  form.addEventListener("input", () => show(form));
  show(form);
}
setInterval(() => forms.forEach(show), 10_000);
