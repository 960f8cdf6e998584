// Choosing rows: the bar appears without moving them and says how many are chosen; Shift chooses a range.
let last = null;

const picks = () => [...document.querySelectorAll(".pick")];
const chosen = () => picks().filter((pick) => pick.checked);

/** Brings the bar, the head's box and the dialogs' hidden ids in line with the checked rows. */
export function showSelection() {
  const bar = document.querySelector("[data-selection]");
  if (!bar) return;
  const ids = chosen().map((pick) => pick.value);
  bar.hidden = ids.length === 0;
  for (const count of document.querySelectorAll("[data-selected]")) count.textContent = String(ids.length);
  for (const field of document.querySelectorAll("[data-selected-ids]")) field.value = ids.join(",");
  const all = document.querySelector("[data-pick-all]");
  if (!all) return;
  all.checked = ids.length > 0 && ids.length === picks().length;
  all.indeterminate = ids.length > 0 && !all.checked;
}

/** Chooses or frees one row; with `range`, all rows from the last chosen one to it. */
export function pick(box, range = false) {
  const boxes = picks();
  const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((one, other) => one - other);
  if (range && from >= 0) for (const between of boxes.slice(from, to + 1)) between.checked = true;
  else box.checked = !box.checked;
  last = box;
  showSelection();
}

/** Chooses every row of the page, or none when all are chosen. */
export function pickAll(checked) {
  for (const box of picks()) box.checked = checked;
  showSelection();
}

export function startSelection() {
  document.addEventListener("click", (event) => {
    if (event.target.matches(".pick")) {
      if (event.shiftKey) {
        event.target.checked = !event.target.checked;
        pick(event.target, true);
      } else {
        last = event.target;
        showSelection();
      }
    }
    if (event.target.closest("[data-pick-none]")) pickAll(false);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) pickAll(event.target.checked);
  });
  document.body.addEventListener("htmx:afterSettle", showSelection);
  showSelection();
}
