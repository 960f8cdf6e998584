// The sentences that scripts say, translated by the server into one JSON block.
const block = document.getElementById("words");
const words = block ? JSON.parse(block.textContent) : {};

/** The sentence `name` with its `{places}` filled in. */
export function say(name, places = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (_all, place) => places[place] ?? "");
}
