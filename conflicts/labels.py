"""What places of a document are called: 'Status of "Verify webhook signature"' instead of /phases/0/microsteps/2/status."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conflicts.core import MISSING, Decision

LONGEST = 60
NAMED_BY = ("title", "name", "text", "label", "summary", "id", "key")
"""The fields that an item is called by, the first that it has."""

_FIELDS: Mapping[str, str | Promise] = {
    "due": gettext_lazy("Due date"),
    "id": gettext_lazy("Id"),
    "met": gettext_lazy("Met"),
    "updated_at": gettext_lazy("Time of change"),
    "updated_by": gettext_lazy("Changed by"),
}
_ITEMS: Mapping[str, str | Promise] = {
    "microsteps": gettext_lazy("Microstep"),
    "phases": gettext_lazy("Phase"),
    "acceptance_criteria": gettext_lazy("Acceptance criterion"),
    "comments": gettext_lazy("Comment"),
    "annotations": gettext_lazy("Annotation"),
    "files": gettext_lazy("File"),
    "tags": gettext_lazy("Tag"),
    "log": gettext_lazy("Log entry"),
    "steps": gettext_lazy("Step"),
}


def field_word(name: str) -> str:
    """What a field is called: "Due date", "Acceptance criteria"."""
    return str(_FIELDS[name]) if name in _FIELDS else name.replace("_", " ").replace("-", " ").strip().capitalize()


def item_word(name: str) -> str:
    """What an item of this list is called: "Microstep"."""
    if name in _ITEMS:
        return str(_ITEMS[name])
    word = field_word(name)
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def name_of(value: Any) -> str:
    """What an item calls itself; "" when it does not."""
    if isinstance(value, Mapping):
        found = next((value[name] for name in NAMED_BY if isinstance(value.get(name), str) and value[name]), "")
    else:
        found = value if isinstance(value, str) else ""
    first = found.strip().partition("\n")[0]
    return first if len(first) <= LONGEST else f"{first[: LONGEST - 1].rstrip()}…"


def steps_of(path: str) -> list[str]:
    """The steps of a JSON Pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def child(value: Any, step: str) -> Any:
    """What stands one step further; MISSING when there is nothing."""
    if isinstance(value, Mapping):
        return value.get(step, MISSING)
    if isinstance(value, list):
        return value[int(step)] if step.isdigit() and int(step) < len(value) else MISSING
    return MISSING


def walk(document: Any, steps: Sequence[str]) -> list[Any]:
    """The values on the way, the document first; it ends early (shorter than the steps) when the way ends before the last step."""
    found = [document]
    for step in steps:
        if found[-1] is MISSING:
            break
        found.append(child(found[-1], step))
    return found


class Places:
    """The places of three documents, as decisions name them."""

    def __init__(self, base: Any, local: Any, remote: Any) -> None:
        self.documents = {"base": base, "remote": remote, "local": local}
        self._ways: dict[str, tuple[list[str], list[Any]]] = {}

    def way(self, decision: Decision) -> tuple[list[str], list[Any]]:
        """The steps to a decision's place, and the values on the way in the document whose places its path counts."""
        if decision.id not in self._ways:
            self._ways[decision.id] = self._way(decision)
        return self._ways[decision.id]

    def _way(self, decision: Decision) -> tuple[list[str], list[Any]]:
        steps = steps_of(decision.path)
        best: list[Any] = []
        for side, document in self.documents.items():
            values = walk(document, steps)
            if len(values) == len(steps) + 1 and values[-1] == getattr(decision, side):
                return steps, values
            best = values if len(values) > len(best) else best
        return steps, best

    def around(self, decision: Decision) -> Iterator[tuple[list[str], Any]]:
        """The objects around a place with their paths, the nearest first."""
        steps, values = self.way(decision)
        for depth in range(min(len(steps), len(values) - 1), -1, -1):
            if isinstance(values[depth], Mapping):
                yield steps[:depth], values[depth]

    def label(self, decision: Decision) -> str:
        """What the place is called."""
        steps, values = self.way(decision)
        if not steps:
            return _("The whole document")
        present = (decision.base, decision.local, decision.remote)
        own = next((name for name in map(name_of, present) if name), "")
        label = _label(steps, values, own)
        return _("Order of %s") % label if decision.kind == "order" else label


def label_at(path: str, *documents: Any) -> str:
    """What a place is called, by the first of these documents that has it."""
    steps = steps_of(path)
    if steps in ([], [""]):
        return _("The whole document")
    ways = [walk(document, steps) for document in documents]
    values = max(ways, key=len, default=[])
    own = name_of(values[-1]) if len(values) > len(steps) else ""
    return _label(steps, values, own)


def _label(steps: list[str], values: list[Any], own: str) -> str:
    if _is_list(values, len(steps) - 1):
        what = item_word(next((step for step in reversed(steps[:-1]) if not step.isdigit()), ""))
        return _("%(what)s “%(name)s”") % {"what": what, "name": own} if own else f"{what} {int(steps[-1]) + 1}"
    names: list[str] = []
    for depth in range(len(steps) - 1, -1, -1):
        if _is_list(values, depth):
            item = values[depth + 1] if depth + 1 < len(values) else MISSING
            inside = name_of(item) or str(int(steps[depth]) + 1)
            return _("%(field)s of “%(name)s”") % {"field": _joined(names), "name": inside}
        names.insert(0, field_word(steps[depth]))
    return _joined(names)


def _joined(names: list[str]) -> str:
    return ", ".join([names[0], *(name.lower() for name in names[1:])])


def _is_list(values: list[Any], depth: int) -> bool:
    return depth < len(values) and isinstance(values[depth], list)
