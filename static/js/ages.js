// Ages and countdowns that tick: every second below ten minutes, every minute after.
const GAP = "\u00a0";

/** A length of time in two units at most, as portal/web/formats.py writes it. */
export function age(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  if (whole < 60) return `${whole}${GAP}s`;
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  if (minutes < 10 && rest) return `${minutes}${GAP}min${GAP}${String(rest).padStart(2, "0")}${GAP}s`;
  if (minutes < 60) return `${minutes}${GAP}min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)}${GAP}h${GAP}${String(minutes % 60).padStart(2, "0")}${GAP}min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}${GAP}d${GAP}${hours % 24}${GAP}h`;
}

/** Writes every age and countdown below `root` anew. */
export function tick(root = document) {
  const now = Date.now();
  for (const element of root.querySelectorAll("[data-age], [data-until]")) {
    const away = (Date.parse(element.getAttribute("datetime")) - now) / 1000; // pictures have no time elements, their texts have its attribute
    const text = age("age" in element.dataset ? -away : away);
    if (element.textContent !== text) element.textContent = text;
  }
}

export function startAges() {
  setInterval(() => {
    if (!document.hidden) tick();
  }, 1000);
}
