// The portal's look, by its own tokens: they reach into the shadow root, and follow the theme by themselves.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const field = { border: "1px solid var(--control)", borderRadius: "var(--r-control)", backgroundColor: "var(--surface)", color: "var(--ink)" };

const theme = EditorView.theme({
  "&": { ...field, fontSize: "var(--text-s)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { minHeight: "10rem", maxHeight: "min(60svh, 48rem)", borderRadius: "inherit", fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-content ::selection, .cm-line::selection": { backgroundColor: "var(--accent-soft)", color: "inherit" },
  ".cm-gutters": { border: "0", backgroundColor: "var(--sunken)", color: "var(--ink-3)" },
  ".cm-foldGutter span": { display: "inline-block", minWidth: "1.5em", textAlign: "center" },
  ".cm-foldPlaceholder": { border: "0", borderRadius: "var(--r-badge)", backgroundColor: "var(--idle-soft)", color: "var(--ink-2)" },
  ".cm-specialChar": { color: "var(--bad)" },
  "&.cm-focused .cm-matchingBracket, &.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--control)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn-mark)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--accent-soft)", outline: "2px solid var(--accent)" },
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--bad-mark)", textUnderlineOffset: "3px", textDecorationSkipInk: "none" },
  ".cm-lintRange-active": { backgroundColor: "var(--bad-soft)" },
  ".cm-lintPoint:after": { borderBottomColor: "var(--bad-mark)" },
  ".cm-tooltip": { maxWidth: "min(32rem, 90vw)", border: "1px solid var(--line-2)", borderRadius: "var(--r-control)", backgroundColor: "var(--raised)", color: "var(--ink)", boxShadow: "var(--shadow)", fontFamily: "var(--sans)" },
  ".cm-diagnostic": { margin: "0", padding: "var(--s2) var(--s3)", borderLeft: "0" },
  ".cm-panels, .cm-panels.cm-panels-top": { borderColor: "var(--line)", borderRadius: "var(--r-control) var(--r-control) 0 0", backgroundColor: "var(--sunken)", color: "var(--ink)" },
  ".cm-panel.cm-search": { padding: "var(--s2) 2.5rem var(--s2) var(--s3)", fontFamily: "var(--sans)" },
  ".cm-panel.cm-search label": { fontSize: "var(--text-s)" },
  ".cm-panel.cm-search [name=close]": { top: "var(--s1)", minWidth: "1.75rem", minHeight: "1.75rem", color: "var(--ink-2)", fontSize: "var(--text-l)", cursor: "pointer" },
  ".cm-textfield, .cm-button": { ...field, minHeight: "1.75rem", backgroundImage: "none", fontFamily: "var(--sans)", fontSize: "var(--text-s)" },
  ".cm-button": { borderColor: "var(--line-2)", cursor: "pointer" },
  ".cm-button:active": { backgroundImage: "none", backgroundColor: "var(--hover)" },
  ":is(button, input):focus-visible": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
});

// Names stand out by weight, not by colour: colour is for states.
const words = HighlightStyle.define([
  { tag: tags.propertyName, fontWeight: "600" },
  { tag: tags.string, color: "var(--ink-2)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--ink)", fontStyle: "italic" },
  { tag: [tags.separator, tags.squareBracket, tags.brace, tags.punctuation], color: "var(--ink-3)" },
]);

export const look = [theme, syntaxHighlighting(words), EditorView.lineWrapping];

const around = new CSSStyleSheet();
around.replaceSync(`
  :host { display: block; min-width: 0; }
  .hint { margin: var(--s1) 0 0; color: var(--ink-3); font-size: var(--text-xs); }
  .faults { margin: var(--s2) 0 0; padding: 0; list-style: none; font-size: var(--text-s); }
  .faults button { padding: 2px 0; border: 0; background: none; color: var(--bad); font: inherit; text-align: start; cursor: pointer; overflow-wrap: anywhere; min-height: 24px; }
  .faults button:hover { text-decoration: underline; text-underline-offset: 3px; }
  .faults button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: var(--r-badge); }
  .faults button b { font-weight: 600; }
`);

/** A place for the editor behind `element`: a shadow root, whose styles are adopted, so that the content security policy needs no exception. */
export function room(element) {
  const host = document.createElement("div");
  element.after(host);
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [around];
  return { host, root };
}
