"""The JSON editor for merges by hand (assets/editor): where a page finds it, and the sentences it says."""

import json

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MODULE = "built/editor.js"
SENTENCES: dict[str, str | Promise] = {
    "hint": _("Tab indents. Press Escape, then Tab to leave the editor. F8 goes to the next fault."),
    "leave": _("Tab now leaves the editor."),
    "line": _("Line {n}:"),
    "more": _("{n} more faults are marked in the text."),
    "value": _("A value is missing or not known here: an object, a list, a text, a number, true, false or null."),
    "name": _("A name in double quotes is expected here."),
    "colon": _("A colon is expected here, between a name and its value."),
    "comma": _("A comma or the closing bracket is expected here."),
    "open": _("This bracket is never closed."),
    "rest": _("The document ends before this; nothing may follow it."),
    "twice": _("The name {name} appears twice in this object."),
    "deep": _("This is nested deeper than {n} levels."),
    "quote": _("This text has no closing quote on its line."),
    "control": _("A control character may not stand in a text. Write it as an escape, such as \\t."),
    "escape": _("JSON does not know this escape. A backslash itself is written twice."),
    "number": _("This is not a number as JSON writes it."),
    "big": _("This number is too large."),
    "half": _("A text may not contain half of a surrogate pair."),
    "nul": _("A text may not contain the NUL character."),
}
# CodeMirror's own: the key is what it would say in English.
PHRASES: dict[str, str | Promise] = {
    "Find": _("Find"),
    "Replace": _("Replace with"),
    "next": _("Next"),
    "previous": _("Previous"),
    "all": _("All"),
    "match case": _("Match case"),
    "regexp": _("Regular expression"),
    "by word": _("Whole words"),
    "replace": _("Replace"),
    "replace all": _("Replace all"),
    "close": _("Close"),
    "current match": _("Found"),
    "on line": _("on line"),
    "replaced match on line $": _("Replaced on line $"),
    "replaced $ matches": _("Replaced $ times"),
    "Go to line": _("Go to line"),
    "go": _("Go"),
    "Fold line": _("Fold"),
    "Unfold line": _("Unfold"),
    "Folded lines": _("Folded lines"),
    "Unfolded lines": _("Unfolded lines"),
    "to": _("to"),
    "folded code": _("Folded lines"),
    "unfold": _("Unfold"),
    "Control character": _("Control character"),
    "Selection deleted": _("Selection deleted"),
}


def attributes() -> dict[str, str]:
    """What a textarea for JSON carries so that its page's script can put the editor in its place; empty where it was not built.

    `data-editor` is the module's address, `data-editor-words` what it says, in the reader's language.
    """
    try:
        address = static(MODULE)
    except ValueError:  # not among the collected files: the page offers the textarea alone
        return {}
    words = {name: str(sentence) for name, sentence in {**PHRASES, **SENTENCES}.items()}
    return {"data-editor": address, "data-editor-words": json.dumps(words, ensure_ascii=False)}
