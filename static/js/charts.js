// Charts that zoom and tell their figures under the pointer, in the place of those that the server drew. The module with uPlot is built
// (assets/charts) and fetched when a chart comes into view; where it was not built, the server's pictures stay.
const WORDS = "chart-words";
let built = null;

async function start() {
  const places = [...document.querySelectorAll("[data-chart]")];
  const words = document.getElementById(WORDS);
  if (!places.length || !words) return;
  const said = JSON.parse(words.textContent);
  if (!said.module) return;
  try {
    built ??= await import(said.module);
  } catch {
    return;
  }
  built.mount(places, said);
}

const panel = document.getElementById("charts");
if (panel) {
  new IntersectionObserver((seen, watch) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    start();
    // The live script puts the panel in anew with younger figures.
    new MutationObserver(() => built && start()).observe(panel.parentElement, { childList: true });
  }, { rootMargin: "200px" }).observe(panel);
}

const redraw = () => built?.redraw();
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
