// The page of health: whose minutes are shown is followed too, and a card's actions stand in one dialog for all of them.
import { openDialog } from "./dialog.js";

// The panel of minutes comes by itself after the page; from then on the live fragment holds it.
function follow() {
  const panel = document.querySelector("#minutes[data-of]");
  const sign = document.querySelector("[data-stream]");
  if (!panel || !sign) return;
  const address = new URL(location.href);
  address.hash = "";
  address.searchParams.set("of", panel.dataset.of);
  sign.dataset.page = address.pathname + address.search;
}

function openActs(card) {
  const dialog = document.getElementById("card-acts");
  const own = card.querySelector("h3 a");
  dialog.querySelector("h2").textContent = own.textContent;
  document.getElementById("card-check").action = `${own.pathname}/check`;
  const places = {
    open: own.href,
    breaker: card.querySelector(".foot a[data-tone]")?.href,
    queue: card.querySelector(".foot a:not([data-tone])")?.href,
  };
  for (const link of dialog.querySelectorAll("[data-act]")) {
    const { act, base } = link.dataset;
    link.href = act === "record" ? `${base}?component=${card.dataset.row}` : (places[act] ?? "#");
    link.parentElement.hidden = act !== "record" && !places[act];
  }
  openDialog("card-acts");
}

for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.body.addEventListener(name, (event) => event.target.closest("#minutes")?.querySelector("[data-failed]")?.removeAttribute("hidden"));
}
document.body.addEventListener("htmx:afterSettle", follow);
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-acts]");
  if (opener) openActs(opener.closest("[data-row]"));
});
follow();
