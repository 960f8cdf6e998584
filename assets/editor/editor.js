// The JSON editor for merges by hand. A page that needs it imports it when somebody asks for it; the textarea works without.
import { defaultKeymap, history, historyKeymap, indentWithTab, simplifySelection } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { diagnosticCount, nextDiagnostic, previousDiagnostic } from "@codemirror/lint";
import { closeSearchPanel, highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";

import { Faults } from "./faults.js";
import { look, room } from "./look.js";
import { fault, placeOf } from "./read.js";

const open = new WeakMap();
const SENDS = "Mod-Enter"; // belongs to the page

function sentences(textarea) {
  const words = JSON.parse(textarea.dataset.editorWords ?? "{}");
  const say = (name, places = {}) => (words[name] ?? name).replace(/\{(\w+)\}/g, (_all, place) => places[place] ?? "");
  return { words, say };
}

function element(tag, attributes) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Tab indents. Escape gives Tab back to the page until somebody types again or leaves; there is no time in which to be quick enough.
function leaving(hint, say) {
  let free = false;
  const set = (view, now) => {
    if (free === now) return false;
    free = now;
    view.setTabFocusMode(now);
    hint.textContent = say(now ? "leave" : "hint");
    return true;
  };
  return [
    keymap.of([{ key: "Escape", run: (view) => set(view, true) }]),
    EditorView.domEventHandlers({ blur: (_event, view) => void set(view, false) }),
    EditorView.updateListener.of((update) => update.docChanged && set(update.view, false)),
  ];
}

// Chromium writes over a selection with inline styles, which the content security policy refuses: the editor does it itself.
function writeOver(event, view) {
  const { selection, readOnly } = view.state;
  if (event.inputType !== "insertText" || !event.data || view.composing || readOnly || selection.ranges.every((range) => range.empty)) return false;
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

function attributesOf(textarea, label, faulty) {
  const name = label ?? textarea.getAttribute("aria-label") ?? [...textarea.labels].map((one) => one.textContent.trim()).join(" ");
  return { "aria-label": name, "aria-describedby": "hint", "aria-invalid": String(faulty), spellcheck: "false", tabindex: "0" };
}

class Editor {
  constructor(textarea, { onChange, onFault, label, readOnly = textarea.readOnly }) {
    const { words, say } = sentences(textarea);
    const { host, root } = room(textarea);
    const hint = element("p", { class: "hint", id: "hint", role: "status" });
    const list = element("ul", { class: "faults" });
    const status = element("div", { role: "status" });
    const ended = new AbortController();
    Object.assign(this, { textarea, onChange, host, ended, required: textarea.required });
    this.faults = new Faults({ say, list, onFault, go: (line, column) => this.go(this.view.state.doc.line(line).from + column - 1) });
    this.view = new EditorView({
      doc: textarea.value,
      root,
      parent: root,
      extensions: [
        EditorState.readOnly.of(readOnly),
        EditorState.phrases.of(words),
        EditorView.contentAttributes.of(({ state }) => attributesOf(textarea, label, diagnosticCount(state) > 0)),
        EditorView.updateListener.of((update) => update.docChanged && this.changed()),
        EditorView.domEventHandlers({ beforeinput: writeOver }),
        look, this.faults.extension, json(), history(), search({ top: true }), codeFolding(), indentUnit.of("  "),
        lineNumbers(), foldGutter(), highlightSpecialChars(), highlightSelectionMatches(), bracketMatching(), indentOnInput(),
        keymap.of([
          { key: "F8", run: nextDiagnostic, shift: previousDiagnostic },
          { key: "Escape", run: (view) => closeSearchPanel(view) || simplifySelection(view) },
          ...(readOnly ? [] : [indentWithTab]),
          ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap.filter(({ key }) => key !== SENDS),
        ]),
        readOnly ? [] : leaving(hint, say),
      ],
    });
    hint.textContent = readOnly ? "" : say("hint");
    status.append(list);
    root.append(status, hint);
    this.replace();
  }

  replace() {
    const { textarea, ended: { signal } } = this;
    const { selectionStart: anchor, selectionEnd: head } = textarea;
    const writing = document.activeElement === textarea;
    textarea.hidden = true;
    textarea.required = false; // a browser cannot lead to a field that is not shown
    for (const label of textarea.labels) {
      label.addEventListener("click", (event) => (event.preventDefault(), this.focus()), { signal });
    }
    textarea.form?.addEventListener("reset", () => setTimeout(() => this.setValue(textarea.value)), { signal });
    if (!writing) return; // who has begun to write goes on where they are
    this.view.dispatch({ selection: { anchor, head } });
    this.focus();
  }

  changed() {
    this.textarea.value = this.view.state.doc.toString();
    this.textarea.dispatchEvent(new Event("input", { bubbles: true }));
    this.onChange?.(this.textarea.value);
  }

  go(at) {
    const anchor = Math.min(at, this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.focus();
  }

  /** Moves the focus into the editor. */
  focus() {
    this.view.focus();
  }

  /** Puts the cursor where the value of a JSON Pointer stands. */
  goTo(pointer) {
    const places = new Map();
    fault(this.view.state.doc.toString(), places);
    this.go(placeOf(places, pointer).mark.from);
  }

  /** Another text in the place of this one. It can be undone. */
  setValue(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    this.faults.again(this.view);
  }

  /** What the server found wrong: a list of `{pointer, detail}`. Each stays until its place is edited, or the next such list. */
  setFaults(faults) {
    this.faults.tell(this.view, faults);
  }

  /** Gives the textarea its place back, with what was written. */
  destroy() {
    this.ended.abort();
    this.view.destroy();
    this.host.remove();
    this.textarea.hidden = false;
    this.textarea.required = this.required;
    open.delete(this.textarea);
  }
}

/**
 * The editor in the place of `textarea`, whose value follows each change, so that its form is sent as before.
 * `onChange(text)` hears each change, `onFault([{line, column, detail}])` each change of what is wrong (an empty list: nothing is).
 * `label` names the editor, by default as the textarea's label does. Asked for twice, the same editor comes back.
 */
export function edit(textarea, options = {}) {
  if (!open.has(textarea)) open.set(textarea, new Editor(textarea, options));
  return open.get(textarea);
}
