// What is wrong with the document: the reader's own findings while somebody types, and what the server said about its values.
import { forceLinting, forEachDiagnostic, linter, setDiagnosticsEffect } from "@codemirror/lint";
import { StateEffect } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

import { fault, placeOf } from "./read.js";

const PAUSE = 400;
const LISTED = 20;
const told = StateEffect.define();

/** Marks faults in the text, lists them in `list`, and gives `onFault` all of them whenever they change. */
export class Faults {
  constructor({ say, list, go, onFault }) {
    Object.assign(this, { say, list, go, onFault });
    this.given = [];
    this.shown = "[]";
    this.extension = [
      linter((view) => this.find(view.state.doc.toString()), {
        delay: PAUSE,
        needsRefresh: (update) => update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(told))),
      }),
      EditorView.updateListener.of((update) => this.follow(update)),
    ];
  }

  find(text) {
    const own = fault(text);
    const all = own ? [{ ...own, detail: this.say(own.sentence, own.places) }] : [];
    all.push(...this.given.map(({ mark, detail }) => ({ ...mark, detail })));
    return all.map(({ from, to, detail }) => ({ from, to, severity: "error", message: detail }));
  }

  /** Shows what the server found: a list of `{pointer, detail}`. Each stays until its place is edited, or the next such list. */
  tell(view, faults) {
    const places = new Map();
    fault(view.state.doc.toString(), places);
    this.given = faults.map(({ pointer, detail }) => ({ ...placeOf(places, pointer), detail }));
    this.again(view);
  }

  /** Looks at once, without waiting for a pause in the typing. */
  again(view) {
    view.dispatch({ effects: told.of(null) });
    forceLinting(view);
  }

  follow(update) {
    if (update.docChanged) {
      const moved = (at) => update.changes.mapPos(at);
      this.given = this.given
        .filter(({ from, to }) => !update.changes.touchesRange(from, to))
        .map(({ from, to, mark, detail }) => ({ from: moved(from), to: moved(to), mark: { from: moved(mark.from), to: moved(mark.to) }, detail }));
    }
    if (update.docChanged || update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(setDiagnosticsEffect)))) {
      this.show(update.state);
    }
  }

  show(state) {
    const all = [];
    forEachDiagnostic(state, ({ message }, from) => {
      const line = state.doc.lineAt(from);
      all.push({ line: line.number, column: from - line.from + 1, detail: message });
    });
    const now = JSON.stringify(all);
    if (now === this.shown) return;
    this.shown = now;
    const shown = all.slice(0, LISTED).map((one) => this.row(one));
    if (all.length > LISTED) shown.push(this.item(document.createTextNode(this.say("more", { n: all.length - LISTED }))));
    this.list.replaceChildren(...shown);
    this.onFault?.(all);
  }

  row({ line, column, detail }) {
    const button = document.createElement("button");
    button.type = "button";
    const where = document.createElement("b");
    where.textContent = this.say("line", { n: line });
    button.append(where, ` ${detail}`);
    button.addEventListener("click", () => this.go(line, column));
    return this.item(button);
  }

  item(content) {
    const item = document.createElement("li");
    item.append(content);
    return item;
  }
}
