"""What is wrong with what was written, told by the name of the place, with the way to its card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conflicts.core import Choice, Decision
from conflicts.labels import Places, label_at, steps_of, walk
from conflicts.located import key_fields, trail
from portal.kit.errors import Fault

RESULT = "/result"
CHOICES = "/choices/"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of one place. `name` is the field that it belongs to, `decision` its card; "" where there is none. `href` leads there."""

    label: str
    detail: str
    name: str = ""
    decision: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """Where faults are looked for: the decisions with their places, what was chosen, the document that follows, and the way to a card."""

    decisions: Sequence[Decision]
    choices: Mapping[str, Choice]
    places: Places
    rules: Mapping[str, Any]
    result: Any
    leads_to: Callable[[str], str]

    def problems(self, faults: Sequence[Fault], unread: Mapping[str, str]) -> list[Problem]:
        """First what could not be read (by the names of the fields), then the faults of the document that the choices make."""
        known = {one.id: one for one in self.decisions}
        found = []
        for name, detail in unread.items():
            one = known[name.partition(".")[0]]
            found.append(Problem(self.places.label(one), detail, name, one.id, self.leads_to(name)))
        return found + [self._problem(fault, known) for fault in faults]

    def _problem(self, fault: Fault, known: Mapping[str, Decision]) -> Problem:
        one, label = None, ""
        if fault.pointer.startswith(CHOICES):
            one = known.get(fault.pointer.removeprefix(CHOICES).partition("/")[0])
            label = self.places.label(one) if one else ""
        elif fault.pointer.startswith(RESULT):
            pointer = fault.pointer.removeprefix(RESULT)
            one, label = self._owner(steps_of(pointer)), label_at(pointer, self.result)
        if one is None:
            return Problem(label, fault.detail)
        choice = self.choices.get(one.id)
        name = one.id if isinstance(choice, Mapping) and "value" in choice else ""
        return Problem(label, fault.detail, name, one.id, self.leads_to(one.id))

    def _owner(self, steps: list[str]) -> Decision | None:
        """The decision that this place of the result belongs to: the nearest around it."""
        fields = key_fields(self.rules)
        wanted = trail(steps, walk(self.result, steps), fields)
        best: Decision | None = None
        longest = -1
        for one in self.decisions:
            own = trail(*self.places.way(one), fields)
            if len(own) > longest and wanted[: len(own)] == own:
                best, longest = one, len(own)
        return best
