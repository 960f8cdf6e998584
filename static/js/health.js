// The page of health: whose minutes are shown is followed too, and what is new on the cards waits until it is asked for.
import { refresh } from "./live.js";

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

document.body.addEventListener("htmx:afterSettle", follow);
follow();
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-try-again]")) refresh();
});
